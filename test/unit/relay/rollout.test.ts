import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Stream } from 'xfer/plugin';
import { pattern, readAll, turns, until } from '../../../src/compliance/pair.js';
import type { ForwardingOptions, Rollout } from '../../../src/relay/forwarder.js';
import { decodeHopDetail } from '../../../src/relay/hop-detail.js';
import { encodeRoute, maxHops } from '../../../src/relay/route.js';
import { laneFraming } from '../../../src/session/lane-framing.js';
import { sessionHeader } from '../../../src/session/stream-headers.js';
import { resetCode } from '../../../src/transport/contract.js';
import { RelayNet, type Endpoint } from '../../support/relay-net.js';

const KiB = 1024;

const golden = JSON.parse(
  readFileSync(new URL('../../../fixtures/wire/handshake-v1.json', import.meta.url), 'utf8'),
) as { runs: { messages: string[] }[] };
const messages = (golden.runs[0]?.messages ?? []).map((message) => Buffer.from(message, 'hex'));
const [toward, back] = [0, 1].map((parity) => Buffer.concat(messages.filter((_, i) => i % 2 === parity))) as [
  Buffer,
  Buffer,
];

/** A sealed record, as far as a relay can tell. */
function record(bodyBytes: number, seed: number): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(4), pattern(64 + bodyBytes, seed)]);
  bytes.writeUInt32BE(64 + bodyBytes);
  return bytes;
}

let net: RelayNet;
let counted: { same: number; different: number; dropped: string[] };
beforeEach(() => {
  net = new RelayNet();
  counted = { same: 0, different: 0, dropped: [] };
});
afterEach(() => net.close());

const relay = (rollout: Rollout, forwarding: ForwardingOptions = {}) =>
  net.relay({
    forwarding: { rollout, framingOf: laneFraming, ...forwarding },
    observer: {
      onShadow: (isSame) => {
        counted[isSame ? 'same' : 'different']++;
      },
      onShadowDropped: (reason) => void counted.dropped.push(reason),
    },
  });

/** Answers a lane as a session does: its handshake, and each record that came once more. */
async function answering(): Promise<Endpoint & { readonly got: Buffer[] }> {
  const endpoint = await net.endpoint();
  const got: Buffer[] = [];
  endpoint.onStream = ({ stream }) => {
    stream.accept();
    stream.send(back);
    let handshakeBytes = toward.length;
    stream.onData((bytes) => {
      got.push(Buffer.from(bytes));
      stream.send(bytes.slice(handshakeBytes));
      handshakeBytes = Math.max(0, handshakeBytes - bytes.length);
    });
    stream.onEnd(() => stream.closeWrite());
  };
  return Object.assign(endpoint, { got });
}

/** Sends a handshake and records through; gives what came back. */
async function exchange(stream: Stream, records: readonly Buffer[]): Promise<Buffer> {
  const reading = readAll(stream);
  stream.send(toward);
  for (const one of records) stream.send(one);
  stream.closeWrite();
  return reading;
}

describe('relays that do not pipe', () => {
  const records = [record(10, 1), record(1024 * KiB, 2), record(0, 3), record(300 * KiB, 4)];

  it.each<[string, Rollout[]]>([
    ['alone', ['off']],
    ['between others that do', ['on', 'off', 'on']],
    ['in a row', ['off', 'off', 'off']],
    ['behind one with a shadow', ['shadow', 'off']],
  ])('carry both directions unchanged: %s', async (_name, rollouts) => {
    const endpoint = await answering();
    const relays = await Promise.all(rollouts.map((rollout) => relay(rollout)));
    const connection = await net.dial(relays, endpoint.url);
    const answer = await exchange(connection.openStream({ header: sessionHeader }), records);
    const sent = Buffer.concat([toward, ...records]);
    expect(Buffer.concat(endpoint.got).equals(sent)).toBe(true);
    expect(answer.equals(Buffer.concat([back, ...records]))).toBe(true);
    expect([counted.different, counted.dropped]).toEqual([0, []]);
  });

  it('carry a stream whose parts nobody knows', async () => {
    const endpoint = await answering();
    const connection = await net.dial([await relay('off'), await relay('off')], endpoint.url);
    const answer = await exchange(connection.openStream({ header: Buffer.from('anything') }), records);
    expect(answer.length).toBe(Buffer.concat([back, ...records]).length);
  });

  it('send on what comes early, before anybody has answered', async () => {
    const endpoint = await net.endpoint();
    const connection = await net.dial([await relay('off'), await relay('off')], endpoint.url);
    connection.openStream({ header: sessionHeader }).send(messages[0] ?? Buffer.alloc(0));
    await until(() => endpoint.arrived.length === 1);
    const far = endpoint.arrived[0]?.stream;
    const first = new Promise<Buffer>((resolve) => far?.onData((bytes) => resolve(Buffer.from(bytes))));
    expect(await first).toEqual(messages[0]);
  });

  it.each<[Rollout[], number | undefined]>([
    [['on', 'on'], undefined],
    [['shadow', 'shadow'], undefined],
    [['off', 'on', 'on'], 0],
    [['on', 'off', 'on'], 1],
    [['on', 'on', 'off'], 2],
    [['on', 'off', 'off'], 1],
  ])('say so in the answer, and the nearest is named: %j', async (rollouts, storing) => {
    const endpoint = await answering();
    const relays = await Promise.all(rollouts.map((rollout) => relay(rollout)));
    const named: string[] = [];
    const connection = await net.dial(relays, endpoint.url, undefined, (name) => void named.push(name));
    const answer = await connection.openStream({ header: sessionHeader }).opened;
    expect(decodeHopDetail(answer)?.isStored ?? false).toBe(storing !== undefined);
    expect(named).toEqual(storing === undefined ? [] : [relays[storing]?.url]);
  });

  it('reset a stream with a record that is longer than they store, and say why', async () => {
    const endpoint = await answering();
    const limited = await relay('off', { storeLimitBytes: 100 * KiB });
    const connection = await net.dial([await relay('on'), limited], endpoint.url);
    const stream = connection.openStream({ header: sessionHeader });
    const reset = new Promise<string | undefined>((resolve) =>
      stream.onReset((_code, detail, isOver) =>
        resolve(stream.connection.explain?.(detail, isOver)?.message),
      ),
    );
    stream.onData(() => undefined);
    stream.send(toward);
    stream.send(record(90 * KiB, 1));
    stream.send(record(100 * KiB, 2));
    expect(await reset).toBe(`${limited.url} refused: a record is longer than it stores`);
    await until(() =>
      [...limited.relay.hops].every(({ streams, bufferedBytes }) => streams + bufferedBytes === 0),
    );
  });

  it('reset a stream when the rest of a record does not come', async () => {
    const endpoint = await answering();
    const connection = await net.dial([await relay('off', { inactivityMs: 50 })], endpoint.url);
    const stream = connection.openStream({ header: sessionHeader });
    const reset = new Promise<number>((resolve) => stream.onReset((code) => resolve(code)));
    stream.send(toward);
    stream.send(record(500, 1).subarray(0, 300));
    expect(await reset).toBe(resetCode.timeout);
  });

  it('give every branch the same whole records', async () => {
    const ends = [await net.endpoint(), await net.endpoint()];
    const at = await relay('off');
    const transport = await net.registry.get('memory');
    const port = Number(at.url.split(':').at(-1));
    const connection = await transport.dial(
      { scheme: 'memory', host: '127.0.0.1', port },
      { signal: new AbortController().signal },
    );
    const branches = ends.map(({ url: to }) => ({ to, header: sessionHeader }));
    const stream = connection.openStream({
      header: encodeRoute({ ttl: maxHops, visited: [], relays: [], branches }),
    });
    for (const end of ends)
      end.onStream = ({ stream: far }) => (
        far.accept(),
        void end.arrived.push({ stream: far, header: '', bytes: new Uint8Array() })
      );
    expect(decodeHopDetail(await stream.opened)?.isStored).toBe(true);
    const reading = ends.map(({ arrived }) => readAll(arrived[0]?.stream as Stream));
    stream.send(Buffer.concat([toward, record(700 * KiB, 5)]));
    stream.closeWrite();
    for (const got of await Promise.all(reading))
      expect(got.equals(Buffer.concat([toward, record(700 * KiB, 5)]))).toBe(true);
    connection.abort(new Error('the test is over'));
  });
});

describe('relays with a shadow', () => {
  const records = [record(10, 1), record(1024 * KiB, 2)];

  it('find no difference, in both directions of every stream', async () => {
    const endpoint = await answering();
    const connection = await net.dial([await relay('shadow'), await relay('shadow')], endpoint.url);
    const streams = Array.from({ length: 5 }, () => connection.openStream({ header: sessionHeader }));
    await Promise.all(streams.map((stream) => exchange(stream, records)));
    await until(() => counted.same === 20);
    expect(counted).toEqual({ same: 20, different: 0, dropped: [] });
  });

  it.each(['piped', 'stored'] as const)('count a fault in what is %s, and disturb nothing', async (way) => {
    const endpoint = await answering();
    const at = await relay('shadow', {
      tamper: (where, bytes) => (where === way && bytes.length > 10_000 ? Buffer.alloc(bytes.length) : bytes),
    });
    const connection = await net.dial([at], endpoint.url);
    const answer = await exchange(connection.openStream({ header: sessionHeader }), records);
    expect(answer.subarray(-(1024 * KiB)).equals(records[1]?.subarray(68) ?? Buffer.alloc(0))).toBe(true);
    await until(() => counted.same + counted.different === 2);
    expect(counted.different).toBeGreaterThan(0);
  });

  it('count what they did not compare, and go on', async () => {
    const endpoint = await answering();
    const connection = await net.dial([await relay('shadow', { storeLimitBytes: 64 * KiB })], endpoint.url);
    const answer = await exchange(connection.openStream({ header: sessionHeader }), records);
    expect(answer.length).toBe(Buffer.concat([back, ...records]).length);
    expect(counted).toEqual({ same: 0, different: 0, dropped: ['store-limit', 'store-limit'] });
  });
});

describe('orphans', () => {
  it('are refused when nobody answers in time', async () => {
    const endpoint = await net.endpoint();
    const at = await relay('on', { orphanMs: 50 });
    const connection = await net.dial([at], endpoint.url);
    const refused = await connection
      .openStream({ header: sessionHeader })
      .opened.catch((error: unknown) => error);
    const { detail } = refused as { detail: Uint8Array };
    expect(connection.explain(detail, false)?.message).toMatch(/could not reach .*: no answer in time/);
    await until(() => [...at.relay.hops].every(({ streams }) => streams === 0));
  });

  it('are reset when one direction is over and nothing moves on the other', async () => {
    const endpoint = await net.endpoint();
    const connection = await net.dial([await relay('on', { orphanMs: 50 })], endpoint.url);
    const [half, whole] = [connection.openStream(), connection.openStream()];
    await until(() => endpoint.arrived.length === 2);
    for (const { stream } of endpoint.arrived) {
      stream.accept();
      stream.onData(() => undefined);
    }
    const atFar = new Promise<number>((resolve) =>
      endpoint.arrived[0]?.stream.onReset((code) => resolve(code)),
    );
    const atNear = new Promise<number>((resolve) => half.onReset((code) => resolve(code)));
    let isReset = false;
    whole.onReset(() => (isReset = true));
    half.closeWrite();
    expect([await atNear, await atFar]).toEqual([resetCode.timeout, resetCode.timeout]);
    await turns(20);
    expect(isReset).toBe(false);
  });
});
