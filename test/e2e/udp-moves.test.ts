import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emulatedLink, runXferAt, whyNoLink } from '../support/link-emulator.js';
import { startReceiver } from '../support/receiver.js';
import { temporaryDirectory } from '../support/run-xfer.js';

const content = randomBytes(8 * 1024 * 1024 + 5);
const title = 'a machine whose address changes in the middle of a transfer';

describe.skipIf(whyNoLink !== undefined)(whyNoLink ? `${title} (skipped: ${whyNoLink})` : title, () => {
  it.each([
    ['that it sends', 'client'],
    ['that it receives', 'server'],
  ] as const)('goes on with one %s', { timeout: 90_000 }, async (_what, sends) => {
    const link = await emulatedLink({ rateBitsPerSecond: 100e6, delayMs: 5 });
    const directory = await temporaryDirectory();
    const [path, out] = [join(directory, 'file'), join(directory, 'out')];
    await Promise.all([writeFile(path, content), mkdir(out)]);
    const receives = sends === 'client' ? 'server' : 'client';
    const timeoutMs = 80_000;
    const { recv, address, code } = await startReceiver(out, {
      listen: 'udp://0.0.0.0:0',
      timeoutMs,
      flags: ['--once', '--retry', '0'],
      start: (args, options) => runXferAt(link[receives], args, options),
    });
    const target = address.replace(/\/\/.*:/, `//${link[receives].address}:`);
    const env = { XFER_CODE: code };
    const flags = ['--json', '--limit', '4MB/s', '--retry', '0', '--lanes', '1'];
    const send = await runXferAt(link[sends], ['send', path, target, ...flags], { env, timeoutMs });
    await send.event('progress');
    await link.client.moveTo('10.91.0.77');
    expect(send.events.some(({ event }) => event === 'done')).toBe(false);
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
    expect(content.equals(await readFile(join(out, 'file')))).toBe(true);
    const lanes = sent.events.flatMap((event) => (event.event === 'lane' ? [event.state] : []));
    expect(lanes).toEqual(['up']);
    await link.close();
  });
});
