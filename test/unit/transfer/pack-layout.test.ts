import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packMissing, readPack } from '../../../src/transfer/pack-layout.js';

type Row = readonly [delta: number, bytes: number];

/** A body whose table says `rows`, with `contentBytes` behind it; `count` unless the table is to lie of that too. */
function pack(rows: readonly Row[], contentBytes: number, count = rows.length): Uint8Array {
  const body = Buffer.alloc(4 + 8 * rows.length + contentBytes);
  body.writeUInt32BE(count, 0);
  rows.flat().forEach((number, i) => body.writeUInt32BE(number, 4 + 4 * i));
  return body;
}

const single = { first: 7, last: 7 };

describe('the table of a pack', () => {
  it('says where each file begins, and which could not be read', () => {
    const body = pack(
      [
        [0, 3],
        [2, packMissing],
        [3, 0],
        [9, 5],
      ],
      8,
    );
    expect(readPack(body, { first: 100, last: 109 })).toEqual([
      { id: 100, at: 36, bytes: 3 },
      { id: 102, at: 39, bytes: undefined },
      { id: 103, at: 39, bytes: 0 },
      { id: 109, at: 39, bytes: 5 },
    ]);
  });

  it('is read from the middle of a larger buffer', () => {
    const whole = Buffer.concat([Buffer.alloc(5, 0xff), pack([[0, 2]], 2), Buffer.alloc(5, 0xff)]);
    expect(readPack(whole.subarray(5, -5), single)).toEqual([{ id: 7, at: 12, bytes: 2 }]);
  });

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['three bytes', new Uint8Array(3)],
    ['no files', pack([], 0)],
    ['no files, and content', pack([], 10)],
    ['more files than its table has room for', pack([[0, 0]], 0, 2)],
    ['as many files as can be said', pack([[0, 0]], 0, 0xffffffff)],
    [
      'fewer files than its table',
      pack(
        [
          [0, 0],
          [1, 0],
        ],
        0,
        1,
      ),
    ],
    ['content for none of its files', pack([[0, 2]], 3)],
    ['less content than its files have', pack([[0, 3]], 2)],
    ['a file of all but 4 GiB', pack([[0, 0xfffffffe]], 2)],
    ['content of a file that could not be read', pack([[0, packMissing]], 1)],
    ['another first file', pack([[1, 0]], 0)],
  ])('is none where it says %s', (_, body) => {
    expect(readPack(body, single)).toBeUndefined();
  });

  it.each<[string, readonly Row[], number]>([
    [
      'a file twice',
      [
        [0, 1],
        [0, 1],
      ],
      7,
    ],
    [
      'files that do not rise',
      [
        [0, 1],
        [2, 0],
        [1, 1],
      ],
      8,
    ],
    [
      'another last file',
      [
        [0, 1],
        [2, 1],
      ],
      8,
    ],
    [
      'contents that only fit one by one',
      [
        [0, 2],
        [1, 2],
      ],
      8,
    ],
  ])('is none where it says %s', (_, rows, last) => {
    expect(readPack(pack(rows, 2), { first: 7, last })).toBeUndefined();
  });

  it('says what was put into it', () => {
    const gaps = fc.integer({ min: 1, max: 1000 });
    const bytes = fc.option(fc.nat(300), { nil: undefined });
    const files = fc.array(fc.tuple(gaps, bytes), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(fc.nat(2 ** 31), files, (first, rows) => {
        let id = -(rows[0]?.[0] ?? 0);
        const table = rows.map(([gap, size]): Row => [(id += gap), size ?? packMissing]);
        const content = rows.reduce((sum, [, size]) => sum + (size ?? 0), 0);
        const found = readPack(pack(table, content), { first, last: first + id });
        expect(found?.map((file) => [file.id - first, file.bytes ?? packMissing])).toEqual(table);
      }),
    );
  });

  it('leads nowhere outside of the body, whatever it is', () => {
    const word = fc.oneof(fc.nat(6), fc.constantFrom(packMissing, 0x7fffffff, 0x80000000));
    const words = fc.array(word, { maxLength: 12 });
    fc.assert(
      fc.property(words, fc.nat(9), (numbers, rest) => {
        const body = Buffer.alloc(4 * numbers.length + rest);
        numbers.forEach((number, i) => body.writeUInt32BE(number, 4 * i));
        const last = numbers.at(2 * (numbers[0] ?? 0) - 1) ?? 0;
        const found = readPack(body, { first: 0, last });
        return (found ?? []).every(({ at, bytes }) => at + (bytes ?? 0) <= body.length);
      }),
      { numRuns: 1000 },
    );
  });
});
