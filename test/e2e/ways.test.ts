import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ExplainEvent } from '../../src/app/events.js';
import {
  emulatedLink,
  runXferAt,
  whyNoLink,
  type LinkEnd,
  type LinkOptions,
} from '../support/link-emulator.js';
import { runHere } from '../support/run-here.js';
import { runXfer, temporaryDirectory, type XferRun } from '../support/run-xfer.js';
import { startReceiverHere } from '../support/commands-here.js';

const content = randomBytes(300_000);
const code = '4821-copper-lantern-melon-otter';
/** Far below the 10 s that a dial takes to give up, and far above what a machine that is busy adds. */
const soonMs = 4_000;
const title = 'sending to a host without a scheme where';

/** What is not let through to this end, as nft says it. */
async function block(end: LinkEnd, rules: readonly string[]): Promise<void> {
  const lines = [
    'add table inet wall',
    'add chain inet wall in { type filter hook input priority 0; policy accept; }',
    ...rules.map((rule) => `add rule inet wall in ${rule}`),
  ];
  const child = end.spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin?.end(lines.join('\n'));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error('the firewall could not be set');
}

interface Case {
  readonly rules?: readonly string[];
  /** Default: as without the flag. */
  readonly listen?: readonly string[];
  readonly link?: LinkOptions;
  readonly flags?: readonly string[];
  readonly port?: number;
}

interface Sent {
  readonly send: XferRun;
  readonly recv: XferRun;
  readonly explained: readonly ExplainEvent[];
  /** Of the way that won, from the first dial on. */
  readonly answerMs: number;
  /** What the receiver took to end when it was done. */
  readonly leavingMs: number;
}

/** A file from one end to the other, arrived; both have ended in order. */
async function sendAcross({
  rules = [],
  listen = [],
  link: options = {},
  flags = [],
  port,
}: Case): Promise<Sent> {
  const link = await emulatedLink(options);
  const directory = await temporaryDirectory();
  const [path, out] = [join(directory, 'file'), join(directory, 'out')];
  await Promise.all([writeFile(path, content), mkdir(out), block(link.server, rules)]);
  const env = { XFER_CODE: code };
  const timeoutMs = 40_000;
  const listens = listen.flatMap((url) => ['--listen', url]);
  const recv = await runXferAt(link.server, ['recv', out, '--once', '--json', ...listens], {
    env,
    timeoutMs,
  });
  await recv.event('listening');
  const target = port === undefined ? link.server.address : `${link.server.address}:${port}`;
  const args = ['send', path, target, '--json', '--explain', '--lanes', '1', ...flags];
  const send = await runXferAt(link.client, args, { env, timeoutMs });
  const receivedAt = recv.event('done').then(() => performance.now());
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  const leavingMs = performance.now() - (await receivedAt);
  expect([sent.status, received.status], sent.stdout + sent.stderr + received.stdout).toEqual([0, 0]);
  expect(content.equals(await readFile(join(out, 'file')))).toBe(true);
  await link.close();
  const explained = send.events.flatMap((event) => (event.event === 'explain' ? [event] : []));
  const won = explained.find(({ decision }) => decision === 'win');
  return { send, recv, explained, leavingMs, answerMs: won?.numbers?.['answerMs'] ?? Infinity };
}

const transportOf = async ({ send }: Sent) => (await send.event('connected')).transport;

describe.skipIf(whyNoLink !== undefined)(whyNoLink ? `${title} (skipped: ${whyNoLink})` : title, () => {
  const limit = { timeout: 60_000 };

  it('nothing is blocked: starts on tcp, and tells of both sides', limit, async () => {
    const sent = await sendAcross({});
    expect(await transportOf(sent)).toBe('tcp');
    expect(sent.answerMs).toBeLessThan(soonMs);
    const offer = sent.explained.find(({ decision }) => decision === 'offer');
    expect(offer?.message).toContain('udp://10.91.0.2:4840');
  });

  it('UDP is blocked: starts on tcp', limit, async () => {
    const sent = await sendAcross({ rules: ['meta l4proto udp drop'] });
    expect(await transportOf(sent)).toBe('tcp');
    expect(sent.answerMs).toBeLessThan(soonMs);
  });

  it.each([
    ['dropped', 'meta l4proto tcp drop'],
    ['rejected', 'meta l4proto tcp reject with tcp reset'],
    ['taken and then dropped', 'meta l4proto tcp meta length > 60 drop'],
  ])('TCP is %s: starts over UDP soon', limit, async (_how, rule) => {
    const sent = await sendAcross({ rules: [rule] });
    // Which of the two answers first is the machine's choice; which is asked first is ours.
    expect(['udp', 'quic']).toContain(await transportOf(sent));
    const dialled = sent.explained.filter(({ decision }) => decision === 'dial');
    const schemes = dialled.map(({ address = '' }) => address.slice(0, address.indexOf(':')));
    expect(schemes.slice(0, 2)).toEqual(['tcp', 'udp']);
    expect(sent.answerMs).toBeLessThan(soonMs);
  });

  it.each([
    ['tcp', 'tcp dport != 443 drop', 'meta l4proto udp drop'],
    ['udp', 'udp dport != 443 drop', 'meta l4proto tcp drop'],
  ])('all but %s to port 443 is blocked: starts there soon', limit, async (scheme, ...rules) => {
    const sent = await sendAcross({ rules, listen: [`tcp://0.0.0.0:443`, 'udp://0.0.0.0:443'] });
    expect(await transportOf(sent)).toBe(scheme);
    expect(sent.answerMs).toBeLessThan(soonMs);
  });

  it('TCP is dropped, and a port is named: keeps to it', limit, async () => {
    const listen = ['tcp://0.0.0.0:5000', 'udp://0.0.0.0:5000'];
    const sent = await sendAcross({ rules: ['meta l4proto tcp drop'], listen, port: 5000 });
    const connected = await sent.send.event('lane');
    expect(connected).toMatchObject({ transport: 'udp', address: 'udp://10.91.0.2:5000' });
  });

  it(
    'a round trip is long: starts on tcp all the same, and the others leave nothing behind',
    limit,
    async () => {
      const sent = await sendAcross({ link: { delayMs: 150 } });
      expect(await transportOf(sent)).toBe('tcp');
      expect(sent.explained.some(({ address }) => address?.startsWith('udp:'))).toBe(true);
      expect(sent.recv.events.map(({ event }) => event)).not.toContain('note');
      expect(sent.leavingMs).toBeLessThan(soonMs);
    },
  );

  it('--transport names another: starts on that alone', limit, async () => {
    const sent = await sendAcross({ flags: ['--transport', 'udp'] });
    expect(await transportOf(sent)).toBe('udp');
    expect(sent.explained.some(({ address }) => address?.startsWith('tcp:'))).toBe(false);
  });

  it('nobody listens: says so for each way, before long', limit, async () => {
    const link = await emulatedLink();
    await block(link.server, ['meta l4proto udp drop']);
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'file'), content);
    const args = ['send', join(directory, 'file'), link.server.address, '--json'];
    const send = await runXferAt(link.client, args, { env: { XFER_CODE: code } });
    await send.event('phase');
    const startedAt = performance.now();
    const error = await send.event('error');
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    expect(error.code).toBe('ERR_XFER_CONNECTION_REFUSED');
    expect(error.message).toContain('10.91.0.2: tcp 4840 refused');
    expect(error.message).toContain('udp 4840 silent');
    expect((await send.ended).status).toBe(3);
    await link.close();
  });
});

describe('sending to a port of which tcp belongs to somebody else', () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  it.each([
    ['says nothing', () => undefined],
    ['says something else', (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['speaks first', (socket: Socket) => socket.write('220 mail.example ESMTP\r\n')],
    ['hangs up', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ])('and %s: starts on udp there', { timeout: 30_000 }, async (_what, behave) => {
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      behave(socket);
    });
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const directory = await temporaryDirectory();
    const [path, out] = [join(directory, 'file'), join(directory, 'out')];
    await Promise.all([writeFile(path, content), mkdir(out)]);
    const { recv, code: made } = await startReceiverHere(out, { listen: `udp://127.0.0.1:${port}` });
    const args = ['send', path, `127.0.0.1:${port}`, '--explain'];
    const send = await runHere(args, { env: { XFER_CODE: made } });
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
    expect((await send.event('connected')).transport).toBe('udp');
    expect(content.equals(await readFile(join(out, 'file')))).toBe(true);
  });
});

describe('targets without a scheme', () => {
  it('may be several', { timeout: 30_000 }, async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, 'file');
    await writeFile(path, content);
    const receivers = await Promise.all(
      ['a', 'b'].map(async (name) => {
        await mkdir(join(directory, name));
        return startReceiverHere(join(directory, name), { env: { XFER_CODE: code } });
      }),
    );
    const targets = receivers.flatMap(({ address }) => ['--to', address.replace('tcp://', '')]);
    const send = await runXfer(['send', path, ...targets, '--json'], { env: { XFER_CODE: code } });
    const [sent, ...received] = await Promise.all([send.ended, ...receivers.map(({ recv }) => recv.ended)]);
    const statuses = [sent, ...received].map(({ status }) => status);
    expect(statuses, sent.stdout).toEqual([0, 0, 0]);
    // The one that both share.
    expect(sent.stdout).toContain('"lane":1');
    for (const name of ['a', 'b'])
      expect(content.equals(await readFile(join(directory, name, 'file')))).toBe(true);
  });

  it.each([
    [['127.0.0.1', '--transport', 'pigeon'], 'there is no transport pigeon'],
    [['127.0.0.1', '--transport', 'auto', '--transport', 'tcp'], 'auto or names'],
    [['udp://127.0.0.1', '--transport', 'tcp'], 'none of --transport tcp'],
    [['127.0.0.1', '--via', '127.0.0.1:1', '--transport', 'tcp'], '--transport is for a direct way'],
  ])('refuses %j with 2', async (args, message) => {
    const run = await runHere(['send', 'package.json', ...args], { env: { XFER_CODE: code } });
    const { status, stdout } = await run.ended;
    expect([status, stdout]).toEqual([2, expect.stringContaining(message)]);
  });
});
