import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { cipher, recordLayout } from '../../../src/native/api.js';
import { sealRecord } from '../../../src/native/record-codec.js';
import { laneKeys, type LaneSecrets } from '../../../src/session/keys.js';
import { encodeRecordHeader, recordKind, type RecordHeader } from '../../../src/session/record-header.js';
import { resetCode } from '../../../src/transport/contract.js';
import {
  bodyOf,
  codesOf,
  contentHeader,
  laneEnd,
  secrets,
  sealedControls,
  text,
  textsOf,
  type LaneEnd,
} from './lane-kit.js';

const { lengthBytes, bodyAt, tagBytes, overheadBytes } = recordLayout;
const words = ['first', 'second', 'third', 'fourth'];

/** What a listener makes of these bytes and a FIN behind them. */
function receive(...records: readonly Uint8Array[]): LaneEnd {
  const listener = laneEnd('listener');
  listener.stream.deliver(...records);
  listener.stream.deliverFin();
  return listener;
}

function four(as: Partial<LaneSecrets> = {}): [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  return sealedControls(as.role ?? 'dialer', words, { secrets: as }) as ReturnType<typeof four>;
}

function flipped(record: Uint8Array, at: number, mask: number): Uint8Array {
  const changed = Uint8Array.from(record);
  changed[at] = (changed[at] ?? 0) ^ mask;
  return changed;
}

const bodyBytes = 'second'.length;
/** Where each part of the second record lies. */
const regions = {
  header: [lengthBytes, bodyAt - tagBytes],
  'tag of the header': [bodyAt - tagBytes, bodyAt],
  body: [bodyAt, bodyAt + bodyBytes],
  'tag of the body': [bodyAt + bodyBytes, overheadBytes + bodyBytes],
} as const;

describe.each(Object.entries(cipher))('a record altered on the way (%s)', (_, number) => {
  it.each(Object.entries(regions))('in its %s ends the lane with exit 5, unread', (_region, [from, to]) => {
    const listeners = (records: readonly Uint8Array[]) => {
      const listener = laneEnd('listener', { secrets: { cipher: number } });
      listener.stream.deliver(...records);
      return listener;
    };
    for (let at = from; at < to; at++) {
      const [first, second, third, fourth] = four({ cipher: number });
      const listener = listeners([first, flipped(second, at, 1 << (at % 8)), third, fourth]);
      expect(listener.ends).toEqual([expect.objectContaining({ code: 'ERR_XFER_TAMPERED', exit: 5 })]);
      expect(textsOf(listener)).toEqual(['first']);
      expect(listener.stream.resetWith).toBe(resetCode.cancelled);
    }
  });
});

describe('the length in clear', () => {
  it('altered in any bit ends the lane with exit 5, and nothing is made of it', () => {
    for (let bit = 0; bit < lengthBytes * 8; bit++) {
      const [first, second, third, fourth] = four();
      const listener = receive(first, flipped(second, bit >> 3, 1 << (bit & 7)), third, fourth);
      expect(listener.ends).toEqual([expect.objectContaining({ exit: 5 })]);
      expect(textsOf(listener)).toEqual(['first']);
    }
  });

  it.each([
    ['one past the cap', overheadBytes + sessionDefaults.recordBytes + 1],
    ['all ones', lengthBytes + 0xffff_ffff],
    ['too small for a record', overheadBytes - 1],
    ['nothing', lengthBytes],
  ])('of %s is refused before any memory is taken for it', (_, total) => {
    const prefix = Buffer.alloc(lengthBytes);
    prefix.writeUInt32BE(total - lengthBytes);
    const listener = laneEnd('listener');
    listener.stream.deliver(prefix);
    expect(codesOf(listener)).toEqual(['ERR_XFER_TAMPERED']);
    expect(listener.buffers.asked).toEqual([]);
  });
});

describe('records that are not where they were sealed for', () => {
  it.each<[string, (a: Uint8Array, b: Uint8Array, c: Uint8Array) => Uint8Array[]]>([
    ['swapped', (a, b, c) => [a, c, b]],
    ['replayed', (a, b, c) => [a, a, b, c]],
    ['replayed later', (a, b, c) => [a, b, a, c]],
    ['lacking one in the middle', (a, b, c) => [a, c]],
    ['behind bytes of nobody', (a, b, c) => [a, Uint8Array.of(0), b, c]],
  ])('%s end the lane with exit 5', (_, arrange) => {
    const [a, b, c] = four();
    const listener = receive(...arrange(a, b, c));
    expect(codesOf(listener)).toEqual(['ERR_XFER_TAMPERED']);
    const asSent = textsOf(listener);
    expect(asSent).toEqual(words.slice(0, asSent.length));
    expect(asSent.length).toBeLessThan(3);
  });

  it('lacking the first are refused at once', () => {
    const [, second] = four();
    expect(codesOf(receive(second))).toEqual(['ERR_XFER_TAMPERED']);
  });

  it.each<[string, Partial<LaneSecrets>]>([
    ['the other direction', { role: 'listener' }],
    ['another session', { secret: new Uint8Array(32).fill(7) }],
    ['another handshake', { transcript: new Uint8Array(64).fill(7) }],
    ['another lane', { lane: 1 }],
    ['another cipher', { cipher: cipher.chacha20poly1305 }],
  ])('of %s are refused', (_, as) => {
    const listener = receive(four(as)[0]);
    expect([codesOf(listener), textsOf(listener)]).toEqual([['ERR_XFER_TAMPERED'], []]);
  });
});

describe('a lane that was cut off', () => {
  it('inside a record is truncated, wherever', () => {
    const [first, second] = four();
    for (let bytes = 1; bytes < second.length; bytes++) {
      const listener = receive(first, second.subarray(0, bytes));
      expect(listener.ends).toEqual([expect.objectContaining({ code: 'ERR_XFER_TRUNCATED', exit: 5 })]);
      expect(textsOf(listener)).toEqual(['first']);
      expect(listener.buffers.out.size).toBe(0);
    }
  });

  it('between two records is told from a whole one by the counts alone, which END carries', () => {
    const dialer = laneEnd('dialer');
    for (const [i, each] of words.entries()) dialer.lane.sendControl(i + 1, 0, text(each));
    const listener = receive(...dialer.stream.take().slice(0, -1));
    expect(codesOf(listener)).toEqual(['clean']);
    expect([dialer.lane.sealedRecords, listener.lane.openedRecords]).toEqual([4, 3]);
  });
});

describe('content that was altered', () => {
  const piece = () => {
    const dialer = laneEnd('dialer');
    dialer.lane.sendContent({ fd: 5, header: contentHeader({ bodyBytes: 100 }) }, () => undefined);
    dialer.seal.finish();
    return Buffer.concat(dialer.stream.take());
  };

  it('in its header never comes to anybody', () => {
    const record = piece();
    for (const at of record.subarray(0, bodyAt).keys()) {
      if (at < lengthBytes) continue;
      const listener = receive(flipped(record, at, 0x80));
      expect([listener.contents.length, codesOf(listener)]).toEqual([0, ['ERR_XFER_TAMPERED']]);
    }
  });

  it('in its body does not open', () => {
    for (let at = bodyAt; at < overheadBytes + 100; at++) {
      const [content] = receive(flipped(piece(), at, 0x01)).contents;
      expect(() => content && bodyOf(content)).toThrow(
        expect.objectContaining({ code: 'ERR_XFER_TAMPERED', exit: 5 }) as Error,
      );
    }
  });
});

describe('a record that the other side sealed and no xfer would', () => {
  const sealed = (header: Partial<RecordHeader>, body: Uint8Array, change: (plain: Uint8Array) => void) => {
    const plain = encodeRecordHeader({ ...contentHeader(), kind: recordKind.control, entry: 1, ...header });
    change(plain);
    return sealRecord(laneKeys(secrets).sealing.next(), plain, body);
  };

  it.each<[string, Uint8Array]>([
    ['of no kind', sealed({ kind: 0 }, text('x'), () => undefined)],
    ['of a kind to come', sealed({ kind: 3 }, text('x'), () => undefined)],
    ['with a bit where zeros belong', sealed({}, text('x'), (plain) => (plain[2] = 1))],
    ['with a number past 2^53', sealed({}, text('x'), (plain) => plain.fill(0xff, 8, 16))],
    [
      'with too large a control message',
      sealed({}, new Uint8Array(sessionDefaults.maxControlBytes + 1), () => undefined),
    ],
  ])('%s ends the lane as a breach of the protocol, unread', (_, record) => {
    const listener = receive(record);
    expect(listener.ends).toEqual([expect.objectContaining({ code: 'ERR_XFER_PROTOCOL', exit: 3 })]);
    expect([listener.controls, listener.contents]).toEqual([[], []]);
  });

  it('but the largest that may be is taken', () => {
    const largest = sealed({}, new Uint8Array(sessionDefaults.maxControlBytes), () => undefined);
    expect(codesOf(receive(largest))).toEqual(['clean']);
  });
});
