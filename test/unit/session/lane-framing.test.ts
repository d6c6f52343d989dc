import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { recordLayout } from '../../../src/native/api.js';
import type { Framing } from '../../../src/relay/framing.js';
import { encodeRefusal } from '../../../src/session/handshake-messages.js';
import { laneFraming } from '../../../src/session/lane-framing.js';
import {
  encodeGroupHeader,
  encodeJoinHeader,
  sessionHeader,
  type GroupHeader,
} from '../../../src/session/stream-headers.js';

const golden = JSON.parse(
  readFileSync(new URL('../../../fixtures/wire/handshake-v1.json', import.meta.url), 'utf8'),
) as { runs: { mode: string; messages: string[] }[] };
const joinHeader = encodeJoinHeader({ session: new Uint8Array(16), lane: 1, nonce: new Uint8Array(32) });

/** A message of a join, with its length in front: type, nonce or nothing, and proof. */
const joinMessage = (type: number, bytes: number) =>
  framed(Buffer.concat([Buffer.of(type), Buffer.alloc(bytes)]));
const framed = (message: Uint8Array) => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
};
const record = (bodyBytes: number) => {
  const bytes = Buffer.alloc(recordLayout.overheadBytes + bodyBytes, 7);
  bytes.writeUInt32BE(bytes.length - recordLayout.lengthBytes);
  return bytes;
};

/** The lengths of the units that it cuts, and `none` from where it knows none. */
function cut(framing: Framing | undefined, bytes: Uint8Array): (number | 'none')[] {
  const lengths: (number | 'none')[] = [];
  for (let at = 0; framing && at < bytes.length;) {
    const total = framing.take(bytes.subarray(at, at + framing.headBytes));
    if (total === undefined) return [...lengths, 'none'];
    lengths.push(total);
    at += total;
  }
  return lengths;
}

describe('the parts of a lane, by what shows of them', () => {
  it.each(golden.runs)('are the messages of a handshake ($mode), then records', ({ messages }) => {
    const { toward, back } = laneFraming(sessionHeader) ?? expect.unreachable();
    const all = messages.map((message) => Buffer.from(message, 'hex'));
    const records = [record(0), record(sessionDefaults.recordBytes), record(5)];
    for (const [framing, parity] of [
      [toward, 0],
      [back, 1],
    ] as const) {
      const units = [...all.filter((_, i) => i % 2 === parity), ...records];
      expect(cut(framing, Buffer.concat(units))).toEqual(units.map(({ length }) => length));
    }
  });

  it('are the messages of a join, then records', () => {
    const { toward, back } = laneFraming(joinHeader) ?? expect.unreachable();
    const [proof, answer] = [joinMessage(0x12, 32), joinMessage(0x11, 64)];
    expect(cut(toward, Buffer.concat([proof, record(9)]))).toEqual([35, 77]);
    expect(cut(back, Buffer.concat([answer, record(9)]))).toEqual([67, 77]);
  });

  it('are records alone where they are for a group', () => {
    const [session, epoch, mac] = [16, 16, 32].map((bytes) => new Uint8Array(bytes));
    const header = encodeGroupHeader({ session, lane: 1, epoch, mac } as GroupHeader);
    expect(cut(laneFraming(header)?.toward, Buffer.concat([record(9), record(1000)]))).toEqual([77, 1068]);
  });

  it.each([
    ['toward', 0],
    ['back', 1],
  ] as const)('may be a refusal in the place of any message: %s', (side, parity) => {
    const refusal = framed(encodeRefusal('ERR_XFER_WRONG_CODE'));
    const messages = (golden.runs[0]?.messages ?? []).map((message) => Buffer.from(message, 'hex'));
    const own = messages.filter((_, i) => i % 2 === parity);
    for (let count = 0; count < own.length; count++) {
      const framing = laneFraming(sessionHeader)?.[side];
      const units = [...own.slice(0, count), refusal];
      expect(cut(framing, Buffer.concat(units))).toEqual(units.map(({ length }) => length));
    }
  });

  it('are not known of other streams, nor behind what is no part', () => {
    expect(laneFraming(Buffer.from('something'))).toBeUndefined();
    const wrongType = framed(Buffer.of(2, 0));
    const wrongLength = Buffer.from('000001', 'hex');
    const shortRecord = Buffer.from('00000001', 'hex');
    const finish = (golden.runs[0]?.messages ?? [])
      .filter((_, i) => i % 2 === 0)
      .map((message) => Buffer.from(message, 'hex'));
    expect(cut(laneFraming(sessionHeader)?.toward, wrongType)).toEqual(['none']);
    expect(cut(laneFraming(sessionHeader)?.toward, wrongLength)).toEqual(['none']);
    expect(cut(laneFraming(sessionHeader)?.toward, Buffer.concat([...finish, shortRecord])).at(-1)).toBe(
      'none',
    );
    const tooLong = Buffer.alloc(4);
    tooLong.writeUInt32BE(recordLayout.overheadBytes + sessionDefaults.recordBytes);
    expect(cut(laneFraming(joinHeader)?.toward, Buffer.concat([joinMessage(0x12, 32), tooLong]))).toEqual([
      35,
      'none',
    ]);
  });

  it('are never longer than a message or a record may be, whatever the bytes', () => {
    const most = recordLayout.overheadBytes + sessionDefaults.recordBytes;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 200 }), fc.boolean(), (bytes, isJoin) => {
        const { toward, back } = laneFraming(isJoin ? joinHeader : sessionHeader) ?? expect.unreachable();
        for (const framing of [toward, back])
          for (const total of cut(framing, bytes))
            expect(total === 'none' || (total >= framing.headBytes && total <= most)).toBe(true);
      }),
    );
  });
});
