import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setImmediate as turn, setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { sessionDefaults } from '../../src/config/index.js';
import type { XferEvent } from '../../src/app/events.js';
import {
  openSendPool,
  type PooledSendOptions,
  type SendPool,
  type SendPoolOptions,
} from '../../src/app/send-pool.js';
import { RateLimit } from '../../src/app/rate-limit.js';
import { PeerStore } from '../../src/session/peer-store.js';
import { SendTransfer } from '../../src/transfer/send-transfer.js';
import { TransportRegistry } from '../../src/transport/registry.js';
import type { TransportDescriptor } from '../../src/transport/contract.js';
import { tcp } from '../../plugins/mux/src/index.js';
import { quic } from '../../plugins/quic/src/index.js';
import { udp } from '../../plugins/udp/src/index.js';
import { startReceiver, type Receiver, type ReceiverOptions } from '../support/receiver.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { startReceiverHere, type ReceiverHere } from '../support/commands-here.js';

let [home, receiverHome, source, out] = ['', '', '', ''];
let pool: SendPool;
let receiver: Receiver | ReceiverHere;
let end: () => Promise<unknown>;
let dials = 0;

beforeEach(async () => {
  [home, receiverHome] = [await temporaryDirectory(), await temporaryDirectory()];
  [source, out] = [await temporaryDirectory(), await temporaryDirectory()];
  dials = 0;
});
afterEach(async () => {
  await pool.close();
  await end();
});

/** Counts what is dialled. */
function counting(inner: TransportDescriptor): TransportDescriptor {
  return {
    ...inner,
    load: async () => {
      const transport = await inner.load();
      return {
        probe: () => transport.probe(),
        listen: (at, options) => transport.listen(at, options),
        dial: (to, options) => {
          dials++;
          return transport.dial(to, options);
        },
      };
    },
  };
}

function open(options: Partial<SendPoolOptions> = {}): void {
  const transports = new TransportRegistry();
  transports.add(counting(tcp()), 'test');
  transports.add(counting(udp()), 'test');
  transports.add(counting(quic()), 'test');
  pool = openSendPool({ home, transports, ...options });
}

/** A receiver within this process. */
async function listen(options: ReceiverOptions = {}): Promise<void> {
  const { recv, ...rest } = await startReceiverHere(out, {
    ...{ home: receiverHome, flags: ['--remember'] },
    ...options,
  });
  end = () => recv.interrupt();
  receiver = { recv, ...rest };
}

/** One in a process of its own, for what it may not share with the pool or is killed in. */
async function listenApart(options: ReceiverOptions = {}): Promise<Receiver> {
  const started = await startReceiver(out, {
    ...{ home: receiverHome, flags: ['--remember'], timeoutMs: 60_000 },
    ...options,
  });
  end = () => started.recv.kill();
  receiver = started;
  return started;
}

/** Writes a file of its own for each number, and sends it. */
async function send(number: number, onEvent?: (event: XferEvent) => void): Promise<void> {
  await sendOf(await written(number), onEvent);
}

async function written(number: number): Promise<string> {
  const path = join(source, `f${number}`);
  await writeFile(path, content(number));
  return path;
}

async function sendOf(path: string, onEvent?: (event: XferEvent) => void): Promise<void> {
  const { address: target, code } = receiver;
  await pool.send({ paths: [path], target, code, remember: true, ...(onEvent ? { onEvent } : {}) });
}

const content = (number: number) => Buffer.alloc(64 * 1024, `${number} `);

async function expectAll(count: number): Promise<void> {
  for (let number = 0; number < count; number++)
    expect((await readFile(join(out, `f${number}`))).equals(content(number)), `f${number}`).toBe(true);
}

/** Of a receiver: the first lane of a session is told once, `connected` with each transfer. */
const told = (name: XferEvent['event']) => receiver.recv.events.filter(({ event }) => event === name).length;
/** A pool looks at the peers once a second. */
const isSeen = () => setTimeout(1_050);
const hasTold = (name: XferEvent['event']) => vi.waitFor(() => expect(told(name)).toBeGreaterThan(0), 5_000);

describe.each(['tcp', 'udp', 'quic'])('over %s', (scheme) => {
  it('a second send opens no connection and makes no handshake', async () => {
    await listen({ listen: `${scheme}://127.0.0.1:0` });
    open();
    for (let number = 0; number < 20; number++) await send(number);
    await expectAll(20);
    await vi.waitFor(() => expect(told('done')).toBe(20), 5_000);
    expect([dials, told('lane'), told('connected')]).toEqual([1, 1, 20]);
    expect(pool.metrics()).toMatchObject({ opened: 1, reused: 19, idle: 1, failedChecks: 0, evicted: 0 });
  });

  it('loses nothing where the receiver is killed and started again in the middle', async () => {
    const { address, recv } = await listenApart({ listen: `${scheme}://127.0.0.1:0` });
    open();
    const again = recv
      .until(() => told('done') >= 15)
      .then(() => recv.kill())
      .then(() => listenApart({ listen: address }));
    for (let number = 0; number < 40; number++) await send(number);
    await again;
    await expectAll(40);
    expect(pool.metrics().opened).toBeLessThanOrEqual(3);
  }, 60_000);
});

it('a target without a scheme leads to the same session again', async () => {
  await listen();
  open();
  receiver = { ...receiver, address: receiver.address.replace('tcp://', '') };
  for (let number = 0; number < 10; number++) await send(number);
  await expectAll(10);
  await vi.waitFor(() => expect(told('done')).toBe(10), 5_000);
  expect(told('lane')).toBe(1);
  expect(pool.metrics()).toMatchObject({ opened: 1, reused: 9 });
});

it('what is left when the process of the pool is killed the next one sends, and nothing is there twice', async () => {
  await listenApart();
  open();
  const names = Array.from({ length: 60 }, (_, number) => `f${number}`);
  const paths = names.map((name) => join(source, name));
  for (const [number, path] of paths.entries()) await writeFile(path, content(number));
  const killed = await poolProcess(receiver.code, paths, 20);
  expect(killed).toMatchObject({ signal: 'SIGKILL' });
  expect(killed.sent).toBeLessThan(60);
  // What was being sent when it was killed is the first that the next one sends.
  expect(await poolProcess('', paths.slice(killed.sent))).toMatchObject({
    signal: null,
    sent: 60 - killed.sent,
  });
  await expectAll(60);
  expect((await readdir(out)).sort()).toEqual([...names].sort());
}, 60_000);

/** Has another process send these files through a pool of its own; with `mostSent` it is killed behind so many. */
async function poolProcess(
  code: string,
  paths: readonly string[],
  mostSent = Infinity,
): Promise<{ readonly signal: string | null; readonly sent: number }> {
  const program = fileURLToPath(new URL('fixtures/pool-process.mjs', import.meta.url));
  const args = [program, home, receiver.address, code, ...paths];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let sent = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    sent += text.split('\n').length - 1;
    if (sent >= mostSent) child.kill('SIGKILL');
  });
  const signal = await new Promise<string | null>((resolve) => child.on('close', (_, by) => resolve(by)));
  return { signal, sent };
}

/** Counts the transfers that begin from now on. */
function countTransfers(): () => number {
  const run = vi.spyOn(SendTransfer.prototype, 'run');
  onTestFinished(() => run.mockRestore());
  return () => run.mock.calls.length;
}

/** In the same way as `send`, so that the same session is taken. */
const again = (paths: readonly string[], rest: Partial<PooledSendOptions> = {}) =>
  pool.send({ paths, target: receiver.address, code: receiver.code, remember: true, ...rest });

describe('behind a first transfer a small file', () => {
  it.each(['tcp', 'udp', 'quic'])('needs none over %s, and is told of as if it did', async (scheme) => {
    await listen({ listen: `${scheme}://127.0.0.1:0` });
    open();
    await send(0);
    const here: XferEvent[] = [];
    const onEvent = (event: XferEvent) => void here.push(event);
    /** What both sides tell of a send, but for the lane, which the receiver has told of with the first. */
    const toldOf = async (number: number, rest: Partial<PooledSendOptions>) => {
      await vi.waitFor(() => expect(told('done')).toBe(number), 5_000);
      const before = receiver.recv.events.length;
      const path = await written(number);
      await chmod(path, 0o640);
      const result = await again([path], { onEvent, ...rest });
      await vi.waitFor(() => expect(told('done')).toBe(number + 1), 5_000);
      expect((await stat(join(out, `f${number}`))).mode & 0o777).toBe(0o640);
      expect(here.at(-1)).toBe(result);
      const { peer, path: by, lanes, sealed } = result;
      const there = receiver.recv.events.slice(before);
      const done = { peer, by, lanes, sealed };
      return { done, result, here: here.splice(0).map(wordOf), there: there.map(wordOf), last: there.at(-1) };
    };
    const wordOf = (event: XferEvent) => (event.event === 'phase' ? event.phase : event.event);
    const transfers = countTransfers();
    const transfer = await toldOf(1, { update: 'stamp' });
    expect(transfers()).toBe(1);
    const parcel = await toldOf(2, {});
    expect(transfers()).toBe(1);
    await expectAll(3);
    expect(parcel).toMatchObject({ done: transfer.done, here: transfer.here, there: transfer.there });
    const amount = { bytes: 65_536, files: 1, transport: scheme, transports: { [scheme]: 65_536 } };
    expect(parcel.last).toMatchObject({ event: 'done', role: 'recv', ...amount });
    expect(parcel.result).toMatchObject(amount);
  });

  it.each<[string, Partial<PooledSendOptions>]>([
    ['may be left out', { update: 'stamp' }],
    ['is limited', { limit: new RateLimit(10_000_000) }],
    ['takes its owner along', { owners: true }],
    ['is to be compressed', { compress: 'lz4' }],
  ])('is a transfer where it %s', async (_, rest) => {
    await listen();
    open();
    await send(0);
    const transfers = countTransfers();
    await again([await written(1)], rest);
    await expectAll(2);
    expect(transfers()).toBe(1);
  });

  it.each<[string, () => Promise<readonly string[]>]>([
    ['is one of two', () => Promise.all([written(1), written(2)])],
    [
      'is larger than the receiver takes at once',
      async () => {
        const path = await written(1);
        await appendFile(path, 'x');
        return [path];
      },
    ],
    [
      'is a directory',
      async () => {
        await mkdir(join(source, 'd'));
        return [join(source, 'd')];
      },
    ],
  ])('is a transfer where it %s', async (_, paths) => {
    await listen();
    open();
    await send(0);
    const transfers = countTransfers();
    const given = await paths();
    await again(given);
    expect(transfers()).toBe(1);
    for (const path of given) {
      if ((await stat(path)).isDirectory()) continue;
      expect((await readFile(join(out, basename(path)))).equals(await readFile(path))).toBe(true);
    }
  });

  it('is a transfer where the receiver keeps what it has, which says so', async () => {
    await listen({ flags: ['--remember', '--overwrite', 'never'] });
    open();
    await send(0);
    const transfers = countTransfers();
    await writeFile(join(source, 'f0'), 'other');
    await expect(again([join(source, 'f0')])).rejects.toMatchObject({ code: 'ERR_XFER_REFUSED' });
    await expectAll(1);
    expect(transfers()).toBe(1);
  });

  it('is a transfer where it cannot be written as one, which says why', async () => {
    await listen();
    open();
    await send(0);
    const transfers = countTransfers();
    await mkdir(join(out, 'f1', 'd'), { recursive: true });
    const path = await written(1);
    await expect(again([path])).rejects.toThrow('f1');
    expect(transfers()).toBe(1);
    await rm(join(out, 'f1'), { recursive: true });
    await again([path]);
    await expectAll(2);
  });
});

it('those that come at once have sessions of their own, as many as there may be', async () => {
  await listen();
  open({ maxConnectionsPerPeer: 2 });
  // The code is good for one pairing.
  await Promise.all(Array.from({ length: 12 }, (_, at) => send(at)));
  await expectAll(12);
  await Promise.all(Array.from({ length: 12 }, (_, at) => send(at)));
  expect([dials, pool.metrics().opened]).toEqual([2, 2]);
});

it('the same paths at once to the same receiver follow one another', async () => {
  await listen();
  open();
  const path = await written(0);
  await Promise.all([sendOf(path), sendOf(path), sendOf(path)]);
  await expectAll(1);
  expect(pool.metrics().waiting).toBe(0);
});

it('a receiver that always asks for its code gets a session for each', async () => {
  const code = '11-one code for all of them';
  await listen({ flags: ['--remember'], env: { XFER_CODE: code } });
  receiver = { ...receiver, code };
  open();
  for (let number = 0; number < 3; number++) await send(number);
  await expectAll(3);
  expect([dials, told('lane')]).toEqual([3, 3]);
  expect(pool.metrics()).toMatchObject({ opened: 3, reused: 0, idle: 0 });
});

it('pairing alone is consent to one transfer: who is remembered no more is refused the next', async () => {
  await listen();
  open();
  await send(0);
  await hasTold('done');
  const peers = new PeerStore(receiverHome);
  for (const { name } of await peers.list()) await peers.remove(name);
  await expect(send(1)).rejects.toMatchObject({ code: 'ERR_XFER_NO_CODE' });
  await expect(readFile(join(out, 'f1'))).rejects.toMatchObject({ code: 'ENOENT' });
});

it('nothing more goes to a peer that the sender has removed', async () => {
  await listen();
  open();
  await send(0);
  // Or it does not know us yet.
  await hasTold('done');
  const [path, peers] = [join(source, 'f0'), new PeerStore(home)];
  const again = () => pool.send({ paths: [path], target: receiver.address });
  await again();
  for (const { name } of await peers.list()) await peers.remove(name);
  await isSeen();
  await expect(again()).rejects.toMatchObject({ code: 'ERR_XFER_NO_CODE' });
  expect(pool.metrics()).toMatchObject({ inUse: 0 });
});

it('a peer that is removed while something is sent to it gets nothing more', async () => {
  await listenApart();
  open();
  await send(0);
  await hasTold('done');
  const peers = new PeerStore(home);
  const [peer] = await peers.list();
  if (!peer) throw new Error('nobody was remembered');
  await peers.remove(peer.name);
  const again = () => pool.send({ paths: [join(source, 'f0')], target: receiver.address });
  // What the pool knew a moment ago: the send begins, and finds at its end that the peer is gone.
  const before = [
    vi.spyOn(PeerStore.prototype, 'findByKey').mockResolvedValueOnce(peer),
    vi.spyOn(PeerStore.prototype, 'list').mockResolvedValueOnce([peer]),
  ];
  await again();
  for (const spy of before) spy.mockRestore();
  await isSeen();
  await expect(again()).rejects.toMatchObject({ code: 'ERR_XFER_NO_CODE' });
});

it('one place is one place, however it is written', async () => {
  await listen();
  open();
  await send(0);
  const { address, code } = receiver;
  const common = { paths: [join(source, 'f0')], code, remember: true };
  await pool.send({ ...common, target: `${address.replace('tcp:', 'TCP:')}/`, rememberAs: 'bob' });
  await pool.send({ ...common, target: address, retryMs: sessionDefaults.retryMs, use: ['tcp'] });
  expect([dials, pool.metrics().reused]).toEqual([1, 2]);
});

it('a session keeps nothing of the sends that are over', async () => {
  await listenApart();
  open();
  const first = await sendWatched();
  for (let number = 1; number < 3; number++) await send(number);
  expect(pool.metrics()).toMatchObject({ opened: 1, reused: 2 });
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  await vi.waitFor(async () => {
    await turn();
    collectGarbage();
    expect(first.deref()).toBeUndefined();
  });
});

/** Who is told of the first send. */
async function sendWatched(): Promise<WeakRef<(event: XferEvent) => void>> {
  const told: string[] = [];
  const onEvent = ({ event }: XferEvent) => void told.push(event);
  await send(0, onEvent);
  expect(told).toContain('done');
  return new WeakRef(onEvent);
}

it('a session that carries nothing for too long is closed, and another is opened', async () => {
  await listen();
  open({ idleMs: 50 });
  await send(0);
  await vi.waitFor(() => expect(pool.metrics()).toMatchObject({ idle: 0, evicted: 1 }), 5_000);
  await send(1);
  await expectAll(2);
  expect(dials).toBe(2);
});

it('one file that cannot be read costs that send alone', async () => {
  await listen();
  open();
  await send(0);
  const paths = [join(source, 'missing')];
  await expect(pool.send({ paths, target: receiver.address })).rejects.toMatchObject({
    code: 'ERR_XFER_NOT_FOUND',
  });
  await send(1);
  expect([dials, told('lane')]).toEqual([1, 1]);
});

it('with its end all that is under way ends, and nothing more begins', async () => {
  await listen();
  open();
  await send(0);
  const path = join(source, 'large');
  await writeFile(path, randomBytes(64 * 2 ** 20));
  let begun: () => void = () => undefined;
  const transferring = new Promise<void>((resolve) => (begun = resolve));
  const { address: target, code } = receiver;
  const sending = pool.send({
    ...{ paths: [path], target, code, remember: true },
    onEvent: ({ event }) => (event === 'phase' ? begun() : undefined),
  });
  sending.catch(() => undefined);
  await transferring;
  await pool.close();
  await expect(sending).rejects.toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
  await expect(send(1)).rejects.toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
  expect(pool.metrics()).toMatchObject({ idle: 0, inUse: 0 });
});
