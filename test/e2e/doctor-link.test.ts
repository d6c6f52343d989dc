import { describe, expect, it } from 'vitest';
import { readDiagnosis } from '../support/doctor.js';
import { emulatedLink, runXferAt, whyNoLink } from '../support/link-emulator.js';
import { startReceiver } from '../support/receiver.js';
import { temporaryDirectory } from '../support/run-xfer.js';

describe.skipIf(whyNoLink !== undefined)(`a link ${whyNoLink ? `(${whyNoLink})` : 'with loss'}`, () => {
  it('is told as it is, with the transport that does best on it', { timeout: 60_000 }, async () => {
    const oneWay = { rateBitsPerSecond: 80e6, delayMs: 25, loss: 0.01, queueBytes: 500_000 };
    const link = await emulatedLink({ ...oneWay, seed: 4 });
    const { recv } = await startReceiver(await temporaryDirectory(), {
      listen: 'tcp://0.0.0.0:4840',
      flags: ['--listen', 'udp://0.0.0.0:4840'],
      timeoutMs: 50_000,
      start: (args, options) => runXferAt(link.server, args, options),
    });
    const run = await runXferAt(link.client, ['doctor', link.server.address, '--json'], {
      timeoutMs: 50_000,
    });
    const { status, stdout } = await run.ended;
    expect(status).toBe(0);
    const { paths, verdict } = readDiagnosis(stdout);
    const udp = paths.find(({ transport }) => transport === 'udp');
    const tcp = paths.find(({ transport }) => transport === 'tcp');
    // The link is 10 MB/s, headers included.
    expect(udp?.goodput).toBeLessThan(10e6);
    expect(udp?.goodput).toBeGreaterThan(tcp?.goodput ?? Infinity);
    expect(udp?.minRttMs).toBeGreaterThanOrEqual(50);
    expect(udp?.lossShare).toBeGreaterThan(0.004);
    expect(udp?.lossShare).toBeLessThan(0.1);
    expect(verdict?.best).toBe(`udp://${link.server.address}:4840`);
    expect(verdict?.conclusions.join(' ')).toMatch(/udp is best here.*The path loses/);
    await Promise.all([recv.kill(), link.close()]);
  });
});
