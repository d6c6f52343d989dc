import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { diagnose, readDiagnosis, type Diagnosis } from '../support/doctor.js';
import { startReceiver } from '../support/receiver.js';
import { startRelay } from '../support/start-relay.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanup.splice(0)) undo();
});

const byTransport = ({ paths }: Diagnosis) => new Map(paths.map((path) => [path.transport, path]));
const authority = (url: string) => url.replace(/^\w+:\/\//, '');

/** A receiver on tcp, and on udp at the same port. */
async function receiver(flags: readonly string[] = []) {
  const directory = await temporaryDirectory();
  const first = await startReceiver(directory, { flags: [], timeoutMs: 60_000 });
  const at = authority(first.address);
  await first.recv.kill();
  const both = { listen: `tcp://${at}`, flags: ['--listen', `udp://${at}`, ...flags], timeoutMs: 60_000 };
  return { at, directory, ...(await startReceiver(directory, both)) };
}

/** A UDP port that takes what comes and says nothing, as behind a firewall. */
async function silentUdp(port: number): Promise<void> {
  const socket = createSocket('udp4').bind(port, '127.0.0.1');
  cleanup.push(() => socket.close());
  await once(socket, 'listening');
}

describe('xfer doctor with a target', { timeout: 90_000 }, () => {
  it('measures each transport that a receiver has, which takes a transfer behind it', async () => {
    const { at, directory, recv, code } = await receiver();
    const found = await diagnose([at]);
    const paths = byTransport(found);
    expect(found.status).toBe(0);
    expect(found.findings.find(({ subject }) => subject === 'node')?.state).toBe('ok');
    for (const transport of ['tcp', 'udp', 'ws']) {
      const path = paths.get(transport);
      expect(path, transport).toMatchObject({ state: 'works', address: `${transport}://${at}` });
      expect(path?.goodput, transport).toBeGreaterThan(1e6);
      expect(path?.minRttMs).toBeLessThanOrEqual(path?.rttMs ?? 0);
      expect(path?.connectMs).toBeGreaterThan(0);
    }
    expect(paths.get('udp')).toMatchObject({ mtuOf: 'path' });
    expect(paths.get('udp')?.lossShare).toBeGreaterThanOrEqual(0);
    expect(paths.get('tcp')).not.toHaveProperty('lossShare');
    expect(paths.get('wss')).toMatchObject({ state: 'fails' });
    expect(found.verdict?.best).toMatch(new RegExp(`^(tcp|udp|ws)://${at}$`));
    expect(found.verdict?.remedies[0]).toBe(`xfer send PATH ${found.verdict?.best}`);
    // What the doctor says is to be typed works, and nobody at the receiver heard of the rest.
    const file = join(await temporaryDirectory(), 'file');
    await writeFile(file, 'content');
    const [, verb = '', , target = ''] = found.verdict?.remedies[0]?.split(' ') ?? [];
    const sent = await (await runXfer([verb, file, target], { env: { XFER_CODE: code } })).ended;
    expect(sent, sent.stderr).toMatchObject({ status: 0 });
    expect(recv.events.map(({ event }) => event)).not.toContain('error');
    expect(directory).not.toBe('');
    await recv.kill();
  });

  it('measures the path to a relay, which shows it in a table', async () => {
    const { run, url } = await startRelay();
    const { stdout, status } = await (await runXfer(['doctor', url], { timeoutMs: 60_000 })).ended;
    expect(status).toBe(0);
    expect(stdout).toContain(`\nthe path to ${url}\n`);
    expect(stdout).toMatch(/^works {4}tcp {8}.* ms .* [MGk]B\/s {2,}tcp:/m);
    expect(stdout).toContain(`try: xfer send PATH ${url}`);
    await run.kill();
  });

  it('says of a peer that does not measure, or is older, that it works all the same', async () => {
    const { url, run } = await startRelay({ flags: ['--no-measure'] });
    const { at, recv } = await receiver(['--no-measure']);
    for (const target of [url, `tcp://${at}`]) {
      const found = await diagnose([target]);
      expect(found.status).toBe(0);
      expect(found.paths).toEqual([expect.objectContaining({ state: 'works', unmeasured: 'not offered' })]);
      expect(found.verdict?.conclusions.join(' ')).toContain('does not measure');
    }
    await Promise.all([run.kill(), recv.kill()]);
  });

  it('tells a firewall from a port where nothing listens', async () => {
    const directory = await temporaryDirectory();
    const { address, recv } = await startReceiver(directory, { flags: ['--no-measure'], timeoutMs: 60_000 });
    const at = authority(address);
    const open = await diagnose([at, '--timeout', '2s']);
    expect(open.verdict?.conclusions.join(' ')).toContain(`Nothing listens at udp://${at}`);
    const port = Number(at.split(':')[1]);
    // quic is looked for at the next one, too.
    await Promise.all([silentUdp(port), silentUdp(port + 1)]);
    const shut = await diagnose([at, '--timeout', '600ms']);
    expect(shut.status).toBe(0);
    expect(byTransport(shut).get('udp')).toMatchObject({ state: 'fails', code: 'ERR_XFER_TIMEOUT' });
    expect(shut.verdict?.conclusions.join(' ')).toContain('UDP seems blocked on the way');
    expect(shut.verdict?.best).toMatch(/^(tcp|ws):/);
    await recv.kill();
  });

  it('exits with 3 where nothing answers, or what answers is no xfer', async () => {
    const server = createServer((socket) =>
      socket.on('error', () => undefined).end('220 mail.example\r\n'),
    ).listen(0, '127.0.0.1');
    cleanup.push(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const target of [`127.0.0.1:${port}`, 'udp://127.0.0.1:9']) {
      const found = await diagnose([target, '--timeout', '1s']);
      expect(found).toMatchObject({ status: 3, error: 'ERR_XFER_UNREACHABLE' });
      expect(found.paths.every(({ state }) => state === 'fails')).toBe(true);
      expect(found.verdict?.best).toBeNull();
    }
  });

  it('tells of what listens and says nothing', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    cleanup.push(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const found = await diagnose([`tcp://127.0.0.1:${port}`, '--timeout', '300ms']);
    expect(found.status).toBe(3);
    expect(found.paths).toEqual([
      expect.objectContaining({
        code: 'ERR_XFER_TIMEOUT',
        detail: expect.stringContaining('something listens there') as string,
      }),
    ]);
  });

  it('ends with the first Ctrl-C, with 130 and one error, and tells of no path', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    cleanup.push(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const dialled = once(server, 'connection');
    const args = ['doctor', `tcp://127.0.0.1:${port}`, '--json', '--timeout', '60s'];
    const run = await runXfer(args, { timeoutMs: 60_000 });
    await dialled;
    const { status, stdout } = await run.kill('SIGINT');
    const { paths, verdict } = readDiagnosis(stdout);
    expect({ status, paths, verdict }).toEqual({ status: 130, paths: [], verdict: undefined });
    expect(run.events.filter(({ event }) => event === 'error')).toHaveLength(1);
  });

  it('exits with 2 for what is no address', async () => {
    for (const target of ['room:4821', 'host:99999'])
      expect(await diagnose([target])).toMatchObject({ status: 2, paths: [] });
    expect(await diagnose(['host', '--timeout', 'soon'])).toMatchObject({ status: 2 });
  });
});
