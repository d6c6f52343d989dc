import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { recordLayout } from '../../../src/native/api.js';
import { RecordReader } from '../../../src/session/record-reader.js';
import { Lender } from '../../support/lender.js';
import { CountedBuffers } from './lane-kit.js';

const { lengthBytes, overheadBytes } = recordLayout;
const mostTotal = overheadBytes + sessionDefaults.recordBytes;

/** Bytes of the form of a record: a length and something that differs from its neighbours. */
function recordOf(total: number, seed = 0): Buffer {
  const record = Buffer.from(Uint8Array.from({ length: total }, (_, i) => (i * 7 + seed) & 0xff));
  record.writeUInt32BE(total - lengthBytes);
  return record;
}

function lengthOf(total: number): Buffer {
  const prefix = Buffer.alloc(lengthBytes);
  prefix.writeUInt32BE(total - lengthBytes);
  return prefix;
}

function makeReader() {
  const buffers = new CountedBuffers();
  const records: Buffer[] = [];
  const reader = new RecordReader(buffers, (record, release) => {
    records.push(Buffer.from(record));
    release();
  });
  return { reader, buffers, records };
}

describe('a reader of records', () => {
  it('finds the same records however the bytes are cut', () => {
    const sizes = [overheadBytes, 100, 5000, 70_000, overheadBytes + 1];
    const sent = sizes.map((size, i) => recordOf(size, i));
    const wire = Buffer.concat(sent);
    const cuts = fc.array(fc.oneof(fc.nat(wire.length), fc.nat(300)), { maxLength: 30 });
    fc.assert(
      fc.property(cuts, (places) => {
        const { reader, records, buffers } = makeReader();
        const ordered = [0, ...places.sort((a, b) => a - b)];
        for (const [i, from] of ordered.entries()) reader.push(wire.subarray(from, ordered[i + 1]));
        expect(records.map((record, i) => sent[i]?.compare(record))).toEqual(sizes.map(() => 0));
        expect([reader.atBoundary, buffers.out.size]).toEqual([true, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps nothing of the bytes that it was lent', () => {
    const { reader, records } = makeReader();
    const record = recordOf(200);
    for (const byte of record) {
      const lent = Uint8Array.of(byte);
      reader.push(lent);
      lent.fill(0xff);
    }
    expect(records).toEqual([record]);
  });

  it('reads what lies in the middle of a larger memory', () => {
    const { reader, records } = makeReader();
    const around = Buffer.concat([Buffer.alloc(33, 0xaa), recordOf(100), Buffer.alloc(9, 0xbb)]);
    reader.push(new Uint8Array(around.buffer, around.byteOffset + 33, 100));
    expect(records).toEqual([recordOf(100)]);
  });

  it('is between two records before the first byte and behind the last, and nowhere else', () => {
    const { reader } = makeReader();
    const record = recordOf(100);
    expect(reader.atBoundary).toBe(true);
    for (const at of record.keys()) {
      reader.push(record.subarray(at, at + 1));
      expect(reader.atBoundary).toBe(at === record.length - 1);
    }
  });

  it.each([overheadBytes, mostTotal])('takes a record of %i bytes', (total) => {
    const { reader, buffers } = makeReader();
    reader.push(lengthOf(total));
    reader.push(Uint8Array.of(0));
    expect(buffers.asked).toEqual([total]);
  });

  it.each([lengthBytes, overheadBytes - 1, mostTotal + 1, 2 ** 31, lengthBytes + 2 ** 32 - 1])(
    'refuses a length of %i bytes as soon as it is there, and takes no memory for it',
    (total) => {
      const { reader, buffers, records } = makeReader();
      const prefix = lengthOf(total);
      reader.push(prefix.subarray(0, 3));
      expect(() => reader.push(Buffer.concat([prefix.subarray(3), Buffer.alloc(1000)]))).toThrow(
        expect.objectContaining({ code: 'ERR_XFER_TAMPERED', exit: 5 }) as Error,
      );
      expect([buffers.asked, records]).toEqual([[], []]);
    },
  );

  it('takes no memory for a length alone', () => {
    const { reader, buffers } = makeReader();
    reader.push(lengthOf(mostTotal));
    expect([buffers.asked, reader.atBoundary]).toEqual([[], false]);
  });

  it('gives back the memory of a record that never became whole, once', () => {
    const { reader, buffers, records } = makeReader();
    reader.push(recordOf(100_000).subarray(0, 50_000));
    expect(buffers.out.size).toBe(1);
    reader.discard();
    reader.discard();
    expect([buffers.out.size, records]).toEqual([0, []]);
  });
});

describe('a reader of records that offers its memory', () => {
  it('offers nothing before it knows a record, then the rest of it', () => {
    const { reader } = makeReader();
    expect(reader.place()).toBeUndefined();
    const record = recordOf(5000);
    reader.push(record.subarray(0, 3));
    expect(reader.place()).toBeUndefined();
    reader.push(record.subarray(3, 100));
    expect(reader.place()?.length).toBe(4900);
    reader.push(record.subarray(100));
    expect(reader.place()).toBeUndefined();
  });

  it('takes what was put there, and what comes elsewhere although it was offered', () => {
    const { reader, records } = makeReader();
    const sent = [recordOf(5000, 1), recordOf(9000, 2)];
    const wire = Buffer.concat(sent);
    let at = 0;
    for (let turn = 0; at < wire.length; turn++) {
      const place = turn % 3 === 2 ? undefined : reader.place()?.subarray(0, 1000);
      const bytes = wire.subarray(at, at + (place?.length ?? 10));
      at += bytes.length;
      if (place) place.set(bytes);
      // Every other time it lies there but is brought in other memory, with something else left behind.
      const elsewhere = place && turn % 2 === 0 ? Buffer.from(bytes) : undefined;
      if (elsewhere) place?.fill(0xee);
      reader.push(elsewhere ?? place ?? bytes);
    }
    expect(records.map((record, i) => sent[i]?.compare(record))).toEqual([0, 0]);
  });

  it('never gives memory back for other use into which something may still be read', () => {
    const offered = makeReader();
    offered.reader.push(recordOf(5000).subarray(0, 100));
    const place = offered.reader.place();
    offered.reader.discard();
    const lent = [...offered.buffers.out].map((buffer) => buffer.buffer);
    expect(lent).toEqual([place?.buffer]);
    const kept = makeReader();
    kept.reader.push(recordOf(5000).subarray(0, 100));
    kept.reader.discard();
    expect(kept.buffers.out.size).toBe(0);
  });
});

describe('a reader of records whose transport can spare memory', () => {
  /** Records are kept until they are given back. */
  function keeping(most: number) {
    const buffers = new CountedBuffers();
    const lender = new Lender(most);
    const kept: { readonly record: Buffer; release(): void }[] = [];
    const reader = new RecordReader(buffers, (record, release) => kept.push({ record, release }));
    const push = (bytes: Uint8Array) => lender.lend(bytes, (lent, retain) => reader.push(lent, retain));
    return { buffers, lender, kept, reader, push };
  }
  const large = 64 * 1024 + 1;

  it('leaves a large record where it came by itself, and gives that back', () => {
    const { buffers, lender, kept, reader, push } = keeping(1);
    const arrived = recordOf(large);
    push(arrived);
    expect([buffers.asked, lender.kept, reader.atBoundary]).toEqual([[], 1, true]);
    const [one] = kept;
    expect(one?.record.buffer).toBe(arrived.buffer);
    expect(one?.record.equals(recordOf(large))).toBe(true);
    one?.release();
    expect([lender.kept, arrived[9]]).toEqual([0, 0xdd]);
  });

  it('copies what the transport cannot spare', () => {
    const { buffers, lender, kept, push } = keeping(1);
    for (const seed of [1, 2]) push(recordOf(large, seed));
    expect([buffers.asked, lender.kept]).toEqual([[large], 1]);
    expect(kept.map(({ record }, at) => record.equals(recordOf(large, at + 1)))).toEqual([true, true]);
    for (const { release } of kept) release();
    expect([buffers.out.size, lender.kept]).toEqual([0, 0]);
  });

  it.each([
    ['small', [recordOf(64 * 1024)]],
    ['two at once', [Buffer.concat([recordOf(large, 1), recordOf(large, 2)])]],
    ['not whole', [recordOf(large).subarray(0, large - 1), recordOf(large).subarray(large - 1)]],
    ['without its beginning', [recordOf(large).subarray(0, 3), recordOf(large).subarray(3)]],
    ['more than one', [Buffer.concat([recordOf(large), lengthOf(200)])]],
  ])('copies what is %s', (_what, pieces) => {
    const { lender, push } = keeping(9);
    for (const piece of pieces) push(Buffer.from(piece));
    expect(lender.kept).toBe(0);
  });

  it('does not take a record for two, where one ends and another begins in the same bytes', () => {
    const { lender, kept, push } = keeping(9);
    const [first, second] = [recordOf(large, 1), recordOf(large, 2)];
    push(Buffer.from(first.subarray(0, 100)));
    // As long as a record, from the middle of one to the middle of the next.
    push(Buffer.concat([first.subarray(100), second.subarray(0, 100)]));
    push(Buffer.from(second.subarray(100)));
    expect(lender.kept).toBe(0);
    expect(kept.map(({ record }) => record)).toEqual([first, second]);
  });

  it.each([mostTotal + 1, overheadBytes - 1])('refuses a length of %i bytes as ever', (total) => {
    const { lender, push } = keeping(9);
    const bytes = Buffer.alloc(Math.max(total, large));
    bytes.writeUInt32BE(total - lengthBytes);
    expect(() => push(bytes)).toThrow(expect.objectContaining({ code: 'ERR_XFER_TAMPERED' }) as Error);
    expect(lender.kept).toBe(0);
  });
});
