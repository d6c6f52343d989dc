import { describe, expect, it } from 'vitest';
import type { ControlToSend, ReceivedRun } from '../../../../plugins/udp/src/core/contract.js';
import { ReceivedAck } from '../../../../plugins/udp/src/core/received-ack.js';
import { End, Pair, seeded, type PairOptions } from './pair.js';

const link = { delayMs: 10 };

/** One end alone; what it is given are packets of ten bytes of zeros, its content is kept. */
function alone(config: PairOptions['config'] = {}) {
  const { core, user } = new End({ link, config }, seeded(1));
  const given: string[] = [];
  user.handleContent = (streamId, bytes, fin) =>
    void given.push(`${streamId}:${bytes.length}${fin ? ' fin' : ''}`);
  let number = 0;
  let now = 0;
  const run = (over: Partial<ReceivedRun> = {}): void =>
    core.handleRun(now, {
      number: (number = over.number ?? number + 1),
      packets: 1,
      streamId: 1,
      offset: 0,
      fin: false,
      bytes: new Uint8Array(10),
      marked: 0,
      path: 0,
      ...over,
    });
  /** The next ACK's ranges, from the lowest. */
  const ack = (at = now): [number, number][] | undefined => {
    now = at;
    for (let sent = core.poll(now); sent !== undefined; sent = core.poll(now)) {
      const { frames } = sent as ControlToSend;
      if (frames[0] !== 2) continue;
      const read = new ReceivedAck();
      expect(read.read(frames, 0)).toBeUndefined();
      return Array.from({ length: read.count }, (_, index) => [read.first(index), read.last(index)]);
    }
    return undefined;
  };
  return { core, user, given, run, ack };
}

describe('content', () => {
  it('in order is given out without a copy, and what waited for it with it', () => {
    const { user, run } = alone();
    const seen: Uint8Array[] = [];
    user.handleContent = (_, bytes) => void seen.push(bytes);
    run({ offset: 10, bytes: new Uint8Array(10).fill(2) });
    const bytes = new Uint8Array(10).fill(1);
    run({ bytes });
    expect(seen[0]).toBe(bytes);
    expect(seen.map((one) => [one.length, one[0]])).toEqual([
      [10, 1],
      [10, 2],
    ]);
  });

  it('that overlaps is given out once', () => {
    const { given, run } = alone();
    run({ offset: 20 });
    run({ offset: 15 });
    run({ offset: 5, bytes: new Uint8Array(30) });
    run({ offset: 0 });
    run({ offset: 0, bytes: new Uint8Array(36), fin: true });
    expect(given).toEqual(['1:10', '1:5', '1:5', '1:10', '1:5', '1:1 fin']);
  });

  it('ends with its last byte, or with nothing behind it', () => {
    const { given, run } = alone();
    run({ fin: true });
    run({ fin: true });
    run({ streamId: 2, offset: 10, bytes: new Uint8Array(0), fin: true });
    run({ streamId: 2 });
    run({ streamId: 3 });
    run({ streamId: 3, offset: 10, bytes: new Uint8Array(0), fin: true });
    run({ streamId: 4, bytes: new Uint8Array(0), fin: true });
    expect(given).toEqual(['1:10 fin', '2:10 fin', '3:10', '3:0 fin', '4:0 fin']);
  });

  it('of a stream that is not open yet is held, a little of it, of a few streams', () => {
    const { core, user, given, run, ack } = alone({ earlyStreamBytes: 25, maxEarlyStreams: 2 });
    user.limit = () => 'unopened';
    run({ number: 1, streamId: 1 });
    run({ number: 2, streamId: 1, offset: 10 });
    run({ number: 3, streamId: 1, offset: 20 });
    run({ number: 4, streamId: 2, fin: true });
    run({ number: 5, streamId: 3 });
    run({ number: 6, streamId: 2, offset: 5, bytes: new Uint8Array(5) });
    core.handleBatchEnd(0);
    // What was dropped is not acknowledged, so that it comes again.
    expect(ack()).toEqual([
      [1, 2],
      [4, 4],
      [6, 6],
    ]);
    expect(given).toEqual([]);
    user.limit = () => 1000;
    core.opened(0, 1);
    core.opened(0, 2);
    core.opened(0, 3);
    expect(given).toEqual(['1:10', '1:10', '2:10 fin']);
    run({ number: 3, streamId: 1, offset: 20 });
    expect(given.at(-1)).toBe('1:10');
  });

  it('held for a stream that is opened with a lower limit is a violation', () => {
    const { core, user, run } = alone();
    user.limit = () => 'unopened';
    run();
    user.limit = () => 9;
    core.opened(0, 1);
    expect(user.ends).toEqual([{ kind: 'violation', reason: 'content of stream 1 past its limit' }]);
  });

  it('of a stream that is over is taken and forgotten', () => {
    const { core, user, given, run, ack } = alone();
    run({ number: 1, offset: 10 });
    user.limit = () => 'over';
    run({ number: 2 });
    core.handleBatchEnd(0);
    expect([given, ack()]).toEqual([[], [[1, 2]]]);
  });

  it('of a stream that its handler forgets goes no further', () => {
    const { core, user, run } = alone();
    let calls = 0;
    user.handleContent = () => {
      calls += 1;
      user.limit = () => 'over';
      core.forget(1);
    };
    run({ offset: 10 });
    run();
    run({ offset: 20 });
    expect(calls).toBe(1);
  });

  it('out of order is held up to the credit; more is as if it had not come', () => {
    const { core, given, run, ack } = alone({ creditBytes: 1024 });
    run({ number: 1, offset: 100, bytes: new Uint8Array(1000) });
    run({ number: 2, offset: 1100, bytes: new Uint8Array(1000) });
    run({ number: 3, bytes: new Uint8Array(100) });
    core.handleBatchEnd(0);
    expect(given).toEqual(['1:100', '1:1000']);
    expect(ack()).toEqual([
      [1, 1],
      [3, 3],
    ]);
  });
});

describe('an ACK', () => {
  it('of one packet waits, of two goes with the batch, once', () => {
    const { core, run, ack } = alone({ pinnedDatagramBytes: 1232 });
    run();
    core.handleBatchEnd(0);
    expect(ack()).toBeUndefined();
    expect(core.nextTimeout).toBe(5);
    core.handleTimeout(5);
    expect(ack(5)).toEqual([[1, 1]]);
    run({ offset: 10 });
    run({ offset: 20 });
    expect(ack(5)).toBeUndefined();
    core.handleBatchEnd(5);
    expect([ack(5), ack(5)]).toEqual([[[1, 3]], undefined]);
  });

  it.each([
    ['an end', { fin: true }],
    ['a mark', { marked: 1 }],
    ['a gap', { number: 2 }],
  ])('of %s goes with the batch', (_, over) => {
    const { core, run, ack } = alone();
    run(over);
    core.handleBatchEnd(0);
    expect(ack()).toBeDefined();
  });

  it('has as many ranges as are kept and fit, the newest', () => {
    const { core, run, ack } = alone({ maxAckRanges: 1000 });
    for (let index = 0; index < 500; index++) run({ number: 1 + 2 * index, offset: 10 * index });
    core.handleBatchEnd(0);
    const ranges = ack()!;
    // A PING fits behind them.
    expect(ranges.length).toBe(1 + Math.floor((1232 - 23 - 25 - 1) / 8));
    expect(ranges.at(-1)).toEqual([999, 999]);
    const few = alone({ maxAckRanges: 4 });
    for (let index = 0; index < 50; index++) few.run({ number: 1 + 2 * index, offset: 10 * index });
    // Below what is kept all counts as received.
    const before = few.given.length;
    few.run({ number: 2, offset: 500 });
    few.core.handleBatchEnd(0);
    expect(few.ack()!.length).toBe(4);
    expect(few.given.length).toBe(before);
  });

  it('that is alone is not acknowledged', () => {
    const { core, ack } = alone();
    const ping = (number: number, hex: string): void =>
      core.handlePacket(0, {
        number,
        frames: Buffer.from(hex, 'hex'),
        marked: 0,
        path: 0,
        datagramBytes: 60,
      });
    core.poll(0);
    // Acknowledges the probe of the path's MTU, packet 1.
    ping(1, '02000000000001000000000001000000000000' + '0001' + '00000001' + '000000');
    core.handleBatchEnd(0);
    expect(core.nextTimeout).toBeGreaterThan(10);
    expect(ack(10)).toBeUndefined();
  });

  it('is acknowledged now and then, and old ranges are forgotten by that', () => {
    const pair = new Pair({
      link: { delayMs: 10, loss: 0.02 },
      windowBytes: 300_000,
      config: { pinnedDatagramBytes: 1472 },
    });
    const { a, b } = pair;
    b.keepsSent = true;
    a.user.send(1, 8_000_000);
    expect(pair.run(() => b.user.finished.has(1))).toBe(true);
    const longest = b.sent.reduce(
      (most, sent) => Math.max(most, sent.kind === 'control' ? sent.frames.length : 0),
      0,
    );
    expect(a.core.stats().packetsLost).toBeGreaterThan(80);
    // Of all that was lost there are ranges of a few round trips.
    expect(longest).toBeLessThan(25 + 8 * 60);
    expect(longest).toBeGreaterThan(25 + 8 * 8);
  });
});

it('duplicates change nothing at all', () => {
  const { core, given, run, ack } = alone({ pinnedDatagramBytes: 1232 });
  run({ number: 1 });
  run({ number: 2, offset: 10 });
  core.handleBatchEnd(0);
  expect(ack()).toEqual([[1, 2]]);
  const before = core.nextTimeout;
  run({ number: 1, streamId: 9, offset: 5, marked: 1, path: 7 });
  core.handlePacket(0, {
    number: 2,
    frames: Buffer.from('06000000', 'hex'),
    marked: 1,
    path: 7,
    datagramBytes: 30,
  });
  core.handleBatchEnd(0);
  expect([given.length, core.nextTimeout, core.poll(0)]).toEqual([2, before, undefined]);
});

describe('control', () => {
  it('goes before content, and both arrive', () => {
    const pair = new Pair({ link });
    pair.a.keepsSent = true;
    pair.a.user.send(1, 100_000);
    pair.a.user.controlOut.push(new Uint8Array(5000));
    pair.run(() => pair.b.user.controlIn.length === 5000 && pair.b.user.finished.has(1));
    const kinds = pair.a.sent.map(({ kind }) => kind);
    expect(kinds.indexOf('run')).toBeGreaterThanOrEqual(5);
    expect(pair.b.user.controlIn.length).toBe(5000);
  });

  it('goes on behind what the hellos brought', () => {
    const pair = new Pair({ link }, { controlSentBytes: 700, controlReceivedBytes: 700 });
    pair.a.user.controlOut.push(Uint8Array.of(1, 2, 3));
    expect(pair.run(() => pair.b.user.controlIn.length === 3, 1000)).toBe(true);
    expect(pair.b.user.controlIn).toEqual([1, 2, 3]);
  });

  it('under way is no more than the other side holds', () => {
    const pair = new Pair({ link, windowBytes: 64 * 1024 * 1024, config: { pinnedDatagramBytes: 1472 } });
    const { a, b } = pair;
    for (let index = 0; index < 200; index++) a.user.controlOut.push(new Uint8Array(10_000));
    let first = true;
    pair.passes = (from) => from !== a || !first || (first = false);
    let least = 200;
    pair.run(() => ((least = a.user.controlOut.length), false), 9);
    expect((200 - least) * 10_000).toBeLessThan(1_100_000);
    expect(pair.run(() => b.user.controlIn.length === 2_000_000)).toBe(true);
    expect(b.user.ends).toEqual([]);
  });
});
