import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { nativeApi } from '../../../src/native/index.js';
import { turns, until } from '../../../src/compliance/pair.js';
import { openRecord } from '../../../src/native/record-codec.js';
import { groupKeys, type GroupKey } from '../../../src/session/group-keys.js';
import { GroupContent } from '../../../src/transfer/group-content.js';
import { resetCode } from '../../../src/transport/contract.js';
import { HandStream } from '../session/hand-stream.js';
import { failure, meetReceiver, meetSender, refused } from './rogue-kit.js';
import { Rogue, sessionPair, startSending, temporaryDirectory, type Sending } from './transfer-kit.js';

const KiB = 1024;
const key: GroupKey = { epoch: new Uint8Array(16).fill(1), key: new Uint8Array(32).fill(2), cipher: 1 };
const lane = 1;

interface Party extends Sending {
  readonly receiver: Rogue;
  readonly stream: HandStream;
  readonly joined: { readonly mock: { readonly calls: unknown[] } };
  readonly alone: { readonly mock: { readonly calls: unknown[][] } };
  /** It has key and stream. */
  join(): void;
  acknowledge(from: number, to: number): void;
  /** Numbers of the records that came on its own lane. */
  own(): number[];
}

/** Transfers of one path to receivers that obey the test; each hears the group on a stream of its own. */
async function party(path: string, count: number, patienceMs = 60_000): Promise<Party[]> {
  const group = new GroupContent({ key, native: nativeApi(), compress: 'off', patienceMs });
  onTestFinished(() => group.close());
  const parties: Party[] = [];
  for (let i = 0; i < count; i++) {
    const [near, far] = await sessionPair();
    const stream = new HandStream();
    const seat = group.seat(lane, stream);
    const [joined, alone] = [vi.fn(), vi.fn()];
    const receiver = new Rogue(far);
    const sending = startSending(near, [path], new AbortController(), {
      group: { seat: Promise.resolve(seat), onJoined: joined, onAlone: alone },
    });
    onTestFinished(() => sending.stop.abort(new Error('the test is over')));
    parties.push({
      ...{ ...sending, receiver, stream, joined, alone },
      join: () => receiver.say({ type: 'grouped', lane }),
      acknowledge: (from, to) => receiver.say({ type: 'received', ranges: [[from, to]] }),
      own: () => receiver.contents.map(({ header }) => header.number),
    });
  }
  return parties;
}

async function file(bytes: number): Promise<string> {
  const path = join(await temporaryDirectory(), 'file');
  await writeFile(path, Buffer.alloc(bytes, 'a'));
  return path;
}

const arrived = (streams: readonly HandStream[], count: number) =>
  until(() => streams.every(({ sent }) => sent.length >= count));

describe('transfers that send together', () => {
  it('begin when all receivers have joined, and send each the same bytes, with their digests', async () => {
    const [one, two] = (await party(await file(700 * KiB), 2)) as [Party, Party];
    expect(await one.receiver.hears('group')).toEqual({ type: 'group', lane, ...key });
    await two.receiver.hears('manifest');
    one.join();
    await until(() => one.joined.mock.calls.length === 1);
    await turns(50);
    expect([one.stream.sent, two.stream.sent]).toEqual([[], []]);
    two.join();
    await arrived([one.stream, two.stream], 3);
    const records = one.stream.sent.map(({ bytes }) => bytes);
    expect(two.stream.sent.map(({ bytes }) => bytes)).toEqual(records);
    const keys = groupKeys(key);
    const sizes = records.map((record) => openRecord(keys.next(), record).body.length);
    expect(sizes.reduce((sum, bytes) => sum + bytes)).toBe(700 * KiB);
    for (const { receiver } of [one, two]) {
      expect(await receiver.hears('end')).toMatchObject({ records: records.length, bytes: 700 * KiB });
      const told = receiver.heard.filter(({ type }) => type === 'sealed' || type === 'end');
      expect(told.at(-1)?.type).toBe('end');
      expect(receiver.contents).toEqual([]);
    }
  });

  it('go on without a receiver that does not join in time, which gets all by itself', async () => {
    const [one, two, late] = (await party(await file(300 * KiB), 3, 100)) as [Party, Party, Party];
    one.join();
    two.join();
    await arrived([one.stream, two.stream], 2);
    expect(await late.receiver.hears('ungroup')).toEqual({ type: 'ungroup', lane });
    await until(() => late.own().length === 2);
    expect([late.own(), late.stream.sent, late.stream.resetWith]).toEqual([[0, 1], [], resetCode.cancelled]);
    expect(late.alone.mock.calls[0]?.[0]).toContain('kept the others waiting');
    // It may have been on its way.
    late.join();
    await turns(20);
    expect([one.own(), two.own(), late.joined.mock.calls]).toEqual([[], [], []]);
  });

  it('send what one of them has lost again to that one, under the same numbers', async () => {
    const [one, two] = (await party(await file(700 * KiB), 2)) as [Party, Party];
    for (const each of [one, two]) each.join();
    await arrived([one.stream, two.stream], 3);
    two.acknowledge(0, 1);
    two.receiver.say({ type: 'ungroup', lane });
    await until(() => two.own().length === 2);
    expect([two.own(), one.own()]).toEqual([[1, 2], []]);
    expect([one.alone.mock.calls, two.alone.mock.calls.length]).toEqual([[], 1]);
  });

  it('leave behind who stands still, though not who gets on slowly', async () => {
    const path = await file(0);
    await truncate(path, 60 * 1024 * KiB);
    // Not sparse: what is not there is not sent.
    await writeFile(path, Buffer.alloc(60 * 1024 * KiB, 'b'));
    const [quick, slow, still] = (await party(path, 3, 300)) as [Party, Party, Party];
    const all = [quick, slow, still];
    for (const each of all) each.join();
    let at = 0;
    let slowAt = 0;
    const timer = setInterval(() => {
      for (const { stream } of all) stream.take();
      const count = still.receiver.heard.reduce(
        (sum, message) => sum + (message.type === 'sealed' ? message.digests.length / 32 : 0),
        0,
      );
      if (count > at) quick.acknowledge(at, (at = count));
      if (slowAt < at) slow.acknowledge(slowAt, ++slowAt);
    }, 20);
    onTestFinished(() => clearInterval(timer));
    await still.receiver.hears('ungroup');
    expect(still.alone.mock.calls[0]?.[0]).toContain('kept the others waiting');
    expect([quick.alone.mock.calls, slow.alone.mock.calls]).toEqual([[], []]);
  });

  it('part where one receiver leaves out what the others take', async () => {
    const directory = await temporaryDirectory();
    for (let i = 0; i < 40; i++) await writeFile(join(directory, `f${i}`), Buffer.alloc(200 * KiB, 'c'));
    const parties = await party(directory, 3);
    const [, picky] = parties as [Party, Party, Party];
    await picky.receiver.hears('manifest');
    picky.receiver.say({ type: 'left-out', id: 30, reason: 'it is there' });
    for (const each of parties) each.join();
    await until(() => picky.alone.mock.calls.length === 1);
    expect(picky.alone.mock.calls[0]?.[0]).toContain('not what is next for the others');
    expect(parties.filter(({ alone }) => alone.mock.calls.length > 0)).toEqual([picky]);
  });

  it('send by themselves from the beginning without a place, or where the group has begun', async () => {
    const path = await file(100 * KiB);
    const group = new GroupContent({ key, native: nativeApi(), compress: 'off', patienceMs: 60_000 });
    const given = group.seat(lane, new HandStream());
    group.close();
    for (const seat of [undefined, given]) {
      const [near, far] = await sessionPair();
      const receiver = new Rogue(far);
      const alone = vi.fn();
      const sending = startSending(near, [path], new AbortController(), {
        group: { seat: Promise.resolve(seat), onJoined: vi.fn(), onAlone: alone },
      });
      onTestFinished(() => sending.stop.abort(new Error('the test is over')));
      await until(() => receiver.contents.length === 1);
      expect(alone).toHaveBeenCalledTimes(1);
    }
  });

  it('need not end together', async () => {
    const [one, two] = (await party(await file(100 * KiB), 2)) as [Party, Party];
    for (const each of [one, two]) each.join();
    await one.receiver.hears('end');
    one.receiver.say({ type: 'declared', entries: 1 });
    one.acknowledge(0, 1);
    one.receiver.say({ type: 'committed', files: 1, bytes: 100 * KiB });
    await one.running;
    expect([one.stream.hasEnded, one.stream.resetWith, two.stream.hasEnded]).toEqual([
      true,
      undefined,
      false,
    ]);
    two.stop.abort(new Error('enough'));
    await expect(two.running).rejects.toThrow();
    expect(two.stream.resetWith).toBe(resetCode.cancelled);
  });
});

describe('who lies about a group', () => {
  it.each([
    ['joins', 'grouped', 'it joins what is no group'],
    ['leaves', 'ungroup', 'it leaves what is no group'],
  ] as const)('%s where there is none, and is refused', async (_, type, words) => {
    const met = await meetSender([await file(10)]);
    met.receiver.say({ type, lane });
    expect(await met.receiver.isTold()).toBe(`ERR_XFER_PROTOCOL the receiver breaks the protocol: ${words}`);
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
  });

  it('joins another, and is refused', async () => {
    const [one] = (await party(await file(10), 2)) as [Party, Party];
    await one.receiver.hears('group');
    one.receiver.say({ type: 'grouped', lane: 9 });
    expect(await one.receiver.isTold()).toContain('it joins what is no group');
  });

  it('acknowledges what others got and it did not, and is refused', async () => {
    const [one] = (await party(await file(10), 2)) as [Party, Party];
    one.acknowledge(0, 1);
    expect(await one.receiver.isTold()).toContain('never sent');
  });

  it('tells of digests without a group, or of a second group, and is refused', async () => {
    const digests = await meetReceiver();
    digests.sender.say({ type: 'sealed', from: 0, digests: new Uint8Array(32) });
    await refused(digests, 'ERR_XFER_PROTOCOL', 'tells of records that there cannot be');
    const second = await meetReceiver();
    second.sender.say({ type: 'group', lane, ...key });
    second.sender.say({ type: 'group', lane: 2, ...key });
    await refused(second, 'ERR_XFER_PROTOCOL', 'a second group');
  });

  it('may end a group that never was', async () => {
    const met = await meetReceiver();
    met.sender.say({ type: 'ungroup', lane });
    met.sender.end({});
    expect(await met.sender.hears('committed')).toMatchObject({ files: 0 });
  });
});
