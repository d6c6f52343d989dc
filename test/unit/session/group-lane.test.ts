import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { turns, until } from '../../../src/compliance/pair.js';
import { transferDefaults } from '../../../src/config/index.js';
import type { XferError } from '../../../src/errors/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { openRecord, sealRecord } from '../../../src/native/record-codec.js';
import { groupKeys } from '../../../src/session/group-keys.js';
import { GroupLane } from '../../../src/session/group-lane.js';
import type { SealedContent } from '../../../src/session/lane.js';
import { encodeRecordHeader, recordKind, type RecordHeader } from '../../../src/session/record-header.js';
import { resetCode } from '../../../src/transport/contract.js';
import { HandStream } from './hand-stream.js';
import { contentHeader } from './lane-kit.js';

const key = { epoch: new Uint8Array(16).fill(1), key: new Uint8Array(32).fill(2), cipher: 1 } as const;
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const bodies = ['one', 'two', 'three', ''];

/** Whoever has the group's key can seal what opens: the sender, and each of the other receivers. */
function insider() {
  const keys = groupKeys(key);
  return (body: string, header: Partial<RecordHeader>) =>
    sealRecord(
      keys.next(),
      encodeRecordHeader(contentHeader({ bodyBytes: Buffer.byteLength(body), ...header })),
      Buffer.from(body),
    );
}

function lane() {
  const stream = new HandStream();
  const [contents, lost]: [SealedContent[], XferError[]] = [[], []];
  const group = new GroupLane({
    number: 7,
    stream,
    keys: groupKeys(key),
    native: nativeApi(),
    onContent: (content) => contents.push(content),
    onLost: (error) => lost.push(error),
  });
  group.start();
  const texts = () => contents.map((one) => Buffer.from(openRecord(one.key, one.record).body).toString());
  return { stream, group, contents, lost, texts };
}

function sealedBodies() {
  const seal = insider();
  const records = bodies.map((body, number) => seal(body, { number }));
  return { records, digests: Buffer.concat(records.map(digestOf)) };
}

describe('a lane of a group', () => {
  it('lets records through that the sender has told of, however their bytes are cut', async () => {
    const { stream, group, contents, texts, lost } = lane();
    const { records, digests } = sealedBodies();
    expect(group.handleDigests(0, digests)).toBe(true);
    const wire = Buffer.concat(records);
    for (let at = 0; at < wire.length; at += 11) stream.deliver(wire.subarray(at, at + 11));
    await until(() => contents.length === bodies.length);
    expect(texts()).toEqual(bodies);
    expect(contents.map(({ header, lane: from }) => [header.number, from])).toEqual([
      [0, 7],
      [1, 7],
      [2, 7],
      [3, 7],
    ]);
    expect([lost, stream.hasEnded, stream.sent]).toEqual([[], true, []]);
  });

  it('keeps what it was not told of, and lets it through in order when it is', async () => {
    const { stream, group, contents, texts } = lane();
    const { records, digests } = sealedBodies();
    stream.deliver(...records);
    await turns(20);
    expect(contents).toEqual([]);
    group.handleDigests(0, digests.subarray(0, 64));
    await until(() => contents.length === 2);
    group.handleDigests(2, digests.subarray(64));
    await until(() => contents.length === 4);
    expect(texts()).toEqual(bodies);
  });

  it('is lost with a record of somebody else who has the key, which nobody ever sees', async () => {
    const { stream, group, contents, lost } = lane();
    const { records, digests } = sealedBodies();
    group.handleDigests(0, digests);
    const [forge] = [insider()];
    forge('one', { number: 0 });
    // The same place, the same length, the right key and nonce: only the digest tells.
    stream.deliver(records[0]!, forge('TWO', { number: 1 }), records[2]!);
    await until(() => lost.length === 1);
    expect(lost[0]?.code).toBe('ERR_XFER_TAMPERED');
    expect(contents.map(({ header }) => header.number)).toEqual([0]);
    expect(stream.resetWith).toBe(resetCode.cancelled);
    stream.deliver(records[3]!);
    await turns(20);
    expect([contents.length, lost.length]).toEqual([1, 1]);
  });

  it.each<[string, string, Partial<RecordHeader>]>([
    ['of another number', 'x', { number: 1 }],
    ['of control', 'x', { kind: recordKind.control, number: 0 }],
  ])('is lost with a record %s, even where the sender tells of it', async (_, body, header) => {
    const { stream, group, contents, lost } = lane();
    const record = insider()(body, header);
    group.handleDigests(0, digestOf(record));
    stream.deliver(record);
    await until(() => lost.length === 1);
    expect([lost[0]?.code, contents]).toEqual(['ERR_XFER_PROTOCOL', []]);
  });

  it('is lost with a record of another epoch, even where the sender tells of it', async () => {
    const { stream, group, contents, lost } = lane();
    const other = groupKeys({ ...key, epoch: new Uint8Array(16).fill(9) });
    const record = sealRecord(
      other.next(),
      encodeRecordHeader(contentHeader({ bodyBytes: 1 })),
      Buffer.from('x'),
    );
    group.handleDigests(0, digestOf(record));
    stream.deliver(record);
    await until(() => lost.length === 1);
    expect(contents).toEqual([]);
  });

  it('holds no more than a window of what nobody vouches for', async () => {
    const { stream, contents, lost } = lane();
    const seal = insider();
    const body = 'x'.repeat(2 ** 20);
    let sent = 0;
    for (let number = 0; lost.length === 0 && number < 100; number++, sent += body.length)
      stream.deliver(seal(body, { number }));
    expect(lost[0]?.message).toContain('more than the sender vouches for');
    expect(sent).toBeLessThanOrEqual(transferDefaults.maxWindowBytes + 2 * 2 ** 20);
    expect(contents).toEqual([]);
    await turns(50);
  });

  it('holds no more small records, and no more digests, than a window has', () => {
    const { stream, lost } = lane();
    const seal = insider();
    for (let number = 0; number <= 1024; number++) stream.deliver(seal('', { number }));
    expect(lost[0]?.message).toContain('more than the sender vouches for');
    const { group } = lane();
    expect(group.handleDigests(0, new Uint8Array(1024 * 32))).toBe(true);
    expect(group.handleDigests(1024, new Uint8Array(32))).toBe(false);
  });

  it.each([
    ['from another place', 1, 32],
    ['that is cut', 0, 31],
  ])('takes no digests %s', (_, from, length) => {
    expect(lane().group.handleDigests(from, new Uint8Array(length))).toBe(false);
  });

  it('may end when all that was told of has come, and no earlier', async () => {
    const { records, digests } = sealedBodies();
    const early = lane();
    early.group.handleDigests(0, digests);
    early.stream.deliver(...records.slice(0, 3));
    early.stream.deliverFin();
    expect(early.lost[0]?.message).toContain('ended too early');
    const late = lane();
    late.stream.deliver(...records);
    late.stream.deliverFin();
    late.group.handleDigests(0, digests);
    await until(() => late.contents.length === 4);
    expect(late.lost).toEqual([]);
    expect(late.group.handleDigests(4, new Uint8Array(32))).toBe(true);
    expect(late.lost[0]?.message).toContain('ended too early');
  });

  it('is lost with its stream, and by an end within a record or a length that none has', () => {
    const cut = lane();
    cut.stream.deliver(sealedBodies().records[0]!.subarray(0, 20));
    cut.stream.deliverFin();
    const reset = lane();
    reset.stream.deliverReset(resetCode.internal);
    const long = lane();
    long.stream.deliver(Uint8Array.of(255, 255, 255, 255));
    expect([cut, reset, long].map(({ lost }) => lost.length)).toEqual([1, 1, 1]);
  });

  it('says nothing more once it is closed', async () => {
    const { stream, group, contents, lost } = lane();
    const { records, digests } = sealedBodies();
    stream.deliver(...records);
    group.close();
    expect(group.handleDigests(0, digests)).toBe(true);
    stream.deliverFin();
    await turns(20);
    expect([contents, lost, stream.resetWith]).toEqual([[], [], resetCode.cancelled]);
  });
});
