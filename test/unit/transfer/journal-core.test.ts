import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeJournalEntry,
  encodeJournalHeader,
  journalHeaderBytes,
  journalPeer,
  readJournal,
  type JournalEntry,
} from '../../../src/transfer/journal-core.js';

const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const header = { peer: filled(32, 1), key: filled(16, 2), root: filled(16, 3) };
const head = encodeJournalHeader(header);
const part = (number: number, path: string, size = 1_000): JournalEntry => ({
  type: 'part',
  number,
  path,
  size,
  token: filled(8, number),
  file: filled(16, number + 100),
});
const ranges = (number: number, ...list: [number, number][]): JournalEntry => ({
  type: 'ranges',
  number,
  ranges: list,
});
const over = (number: number): JournalEntry => ({ type: 'over', number });
const finished = (...bytes: number[]): JournalEntry => ({
  type: 'finished',
  digests: Buffer.concat(bytes.map((byte) => filled(12, byte))),
});

/** A journal with these entries; `ends[i]`: where the first i of them end. */
function journal(entries: readonly JournalEntry[]): { bytes: Buffer; ends: number[] } {
  const frames = [head, ...entries.map(encodeJournalEntry)];
  const ends = frames.map((_, i) => Buffer.concat(frames.slice(0, i + 1)).length);
  return { bytes: Buffer.concat(frames), ends };
}

/** What is told, as plain values. */
function told(bytes: Uint8Array) {
  const state = readJournal(bytes, header);
  if (!state) return undefined;
  const parts = [...state.parts].map(([path, found]) => [path, found.part, found.ranges.ranges]);
  const digests = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) =>
    state.finished.has(filled(12, byte)),
  );
  return { parts, digests, nextPart: state.nextPart, validBytes: state.validBytes };
}

const sample = [
  part(0, 'a'),
  ranges(0, [0, 100], [300, 400]),
  part(1, 'dir/b', 50),
  finished(7, 8),
  ranges(1, [0, 50]),
  ranges(0, [100, 200]),
  over(1),
  part(5, 'c'),
  finished(9),
];

describe('a journal', () => {
  it('says what was written into it', () => {
    const { bytes } = journal(sample);
    expect(told(bytes)).toEqual({
      parts: [
        [
          'a',
          expect.objectContaining({ number: 0, path: 'a', size: 1_000 }),
          [
            [0, 200],
            [300, 400],
          ],
        ],
        ['c', expect.objectContaining({ number: 5 }), []],
      ],
      digests: [7, 8, 9],
      nextPart: 6,
      validBytes: bytes.length,
    });
  });

  it('says the same of any parts and ranges as a plain account does', () => {
    const range = fc.tuple(fc.nat(900), fc.integer({ min: 1, max: 100 }));
    const act = fc.record({ number: fc.nat(4), list: fc.array(range, { maxLength: 5 }), ends: fc.boolean() });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        const entries: JournalEntry[] = [0, 1, 2, 3, 4].map((number) => part(number, `file ${number}`));
        const model = new Map(entries.map((_, number) => [`file ${number}`, new Set<number>()]));
        for (const { number, list, ends } of acts) {
          const known = model.get(`file ${number}`);
          if (!known) continue;
          entries.push(
            ends ? over(number) : ranges(number, ...list.map(([at, n]) => [at, at + n] as [number, number])),
          );
          if (ends) model.delete(`file ${number}`);
          else for (const [at, n] of list) for (let i = at; i < at + n; i++) known.add(i);
        }
        const state = readJournal(journal(entries).bytes, header);
        expect([...(state?.parts.keys() ?? [])]).toEqual([...model.keys()]);
        for (const [path, numbers] of model) {
          const set = state?.parts.get(path)?.ranges;
          expect(set?.size).toBe(numbers.size);
          for (const n of numbers) expect(set?.has(n)).toBe(true);
        }
      }),
    );
  });

  it('that was cut anywhere says what its whole entries say, and where they end', () => {
    const { bytes, ends } = journal(sample);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const whole = ends.filter((end) => end <= cut).length - 1;
      const expected = whole < 0 ? undefined : told(journal(sample.slice(0, whole)).bytes);
      expect(told(bytes.subarray(0, cut))).toEqual(expected);
    }
  });

  it('of which any byte was altered says what its entries before that say', () => {
    const { bytes, ends } = journal(sample);
    for (let at = 0; at < bytes.length; at++) {
      for (const turned of [0x01, 0x80, 0xff]) {
        const altered = Buffer.from(bytes);
        altered[at] = (altered[at] ?? 0) ^ turned;
        const whole = ends.filter((end) => end <= at).length - 1;
        const expected = whole < 0 ? undefined : told(journal(sample.slice(0, whole)).bytes);
        expect(told(altered)).toEqual(expected);
      }
    }
  });

  it('with zeros or anything else behind its end says what it said', () => {
    const { bytes } = journal(sample);
    expect(told(Buffer.concat([bytes, Buffer.alloc(5_000)]))).toEqual(told(bytes));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        expect(told(Buffer.concat([bytes, garbage]))).toEqual(told(bytes));
      }),
    );
  });

  it.each([
    ['peer', { ...header, peer: filled(32, 9) }],
    ['transfer', { ...header, key: filled(16, 9) }],
    ['directory', { ...header, root: filled(16, 9) }],
  ])('of another %s is none', (_, other) => {
    expect(readJournal(journal(sample).bytes, other)).toBeUndefined();
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['garbage', filled(4_000, 0x78)],
  ] as const)('that is %s is none', (_, bytes) => {
    expect(readJournal(bytes, header)).toBeUndefined();
    expect(journalPeer(bytes)).toBeUndefined();
  });

  it('tells whose it is, unless its header was altered', () => {
    expect(journalPeer(head)).toEqual(header.peer);
    for (let at = 0; at < journalHeaderBytes; at++) {
      const altered = Buffer.from(head);
      altered[at] = (altered[at] ?? 0) ^ 4;
      expect(journalPeer(altered)).toBeUndefined();
    }
    expect(journalPeer(head.subarray(0, -1))).toBeUndefined();
  });
});

describe('a journal is read up to an entry that', () => {
  const before = [part(0, 'a'), ranges(0, [0, 10])];
  const raw = (value: object) => value as JournalEntry;
  it.each<[string, JournalEntry]>([
    ['has a range past the end of its file', ranges(0, [0, 1_001])],
    ['has an empty range', ranges(0, [5, 5])],
    ['has a range that goes backwards', ranges(0, [9, 5])],
    ['has a negative place', ranges(0, [-5, 5])],
    ['has a place that is no integer', ranges(0, [0.5, 5])],
    ['has a place past what is exact', ranges(0, [0, 2 ** 60])],
    ['has a place that is no number', raw({ type: 'ranges', number: 0, ranges: [[0, NaN]] })],
    ['has ranges of a part that there is not', ranges(3, [0, 1])],
    ['ends a part that there is not', over(3)],
    ['has a negative size', part(1, 'b', -1)],
    ['has an endless size', part(1, 'b', Infinity)],
    ['has too long a path', part(1, 'x'.repeat(5_000))],
    ['has a token that is too short', raw({ ...part(1, 'b'), token: filled(7, 1) })],
    ['has a file that is too long', raw({ ...part(1, 'b'), file: filled(17, 1) })],
    ['has too many ranges', ranges(0, ...Array.from({ length: 2_049 }, (): [number, number] => [0, 1]))],
    ['has too many digests', finished(...Array.from({ length: 2_049 }, () => 1))],
    ['is of an unknown kind', raw({ type: 'constructor' })],
    ['is no map', raw([1, 2, 3])],
  ])('%s', (_, entry) => {
    const { bytes } = journal(before);
    expect(told(Buffer.concat([bytes, encodeJournalEntry(entry), encodeJournalEntry(finished(4))]))).toEqual(
      told(bytes),
    );
  });

  it('says that it is longer than the journal', () => {
    const { bytes } = journal(before);
    expect(told(Buffer.concat([bytes, Buffer.from('ffffffff00000000', 'hex')]))).toEqual(told(bytes));
  });
});

describe('a part that begins anew', () => {
  it('has nothing of what was there under the same path', () => {
    const { bytes } = journal([part(0, 'a'), ranges(0, [0, 500]), part(1, 'a'), ranges(1, [0, 7])]);
    expect(told(bytes)?.parts).toEqual([['a', expect.objectContaining({ number: 1 }), [[0, 7]]]]);
  });

  it('is not named by its old number any more', () => {
    const { bytes, ends } = journal([part(0, 'a'), part(1, 'a'), ranges(0, [0, 7])]);
    expect([told(bytes)?.parts[0]?.[2], told(bytes)?.validBytes]).toEqual([[], ends[2]]);
  });
});
