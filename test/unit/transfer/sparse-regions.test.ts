import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { FilesApi } from '../../../src/native/api.js';
import type { Ranges } from '../../../src/transfer/messages.js';
import { dataRegions, mostRegions, splitRegions } from '../../../src/transfer/sparse-regions.js';

/** A file that has data in these regions. */
function sparse(regions: Ranges) {
  const list = vi.fn((_fd: number, from: number, most: number) => {
    const first = regions.findIndex(([, to]) => to > from);
    const found = first < 0 ? [] : regions.slice(first, first + most);
    return Promise.resolve(Float64Array.from(found.flatMap(([start, to]) => [Math.max(start, from), to])));
  });
  return { list, files: { dataRegions: list } as unknown as FilesApi };
}

/** Bytes with data and without, by turns. */
const striped = (regions: number): Ranges => Array.from({ length: regions }, (_, i) => [2 * i, 2 * i + 1]);

describe('regions of a sparse file', () => {
  it.each<[string, Ranges, number, Ranges]>([
    ['are none in a file that is a hole', [], 100, []],
    [
      'are what has data',
      [
        [10, 20],
        [50, 60],
      ],
      100,
      [
        [10, 20],
        [50, 60],
      ],
    ],
    [
      'end where the file ended when it was listed',
      [
        [10, 20],
        [50, 160],
      ],
      100,
      [
        [10, 20],
        [50, 100],
      ],
    ],
    [
      'are not behind its end',
      [
        [10, 20],
        [100, 160],
      ],
      100,
      [[10, 20]],
    ],
  ])('%s', async (_, regions, size, expected) => {
    expect(await dataRegions(sparse(regions).files, 5, size)).toEqual(expected);
  });

  it('are not asked for in an empty file', async () => {
    const { files, list } = sparse([]);
    expect(await dataRegions(files, 5, 0)).toEqual([]);
    expect(list).not.toHaveBeenCalled();
  });

  it.each([1024, 1025, 3000])('are listed piece by piece where there are %d', async (count) => {
    const { files, list } = sparse(striped(count));
    expect(await dataRegions(files, 5, 2 * count)).toEqual(striped(count));
    expect(list.mock.calls.map(([fd, , most]) => [fd, most])).toEqual(
      Array.from({ length: Math.floor(count / 1024) + 1 }, () => [5, 1024]),
    );
  });

  it('are told apart up to a bound; what follows is all data', async () => {
    const count = 2 * mostRegions;
    const { files, list } = sparse(striped(count));
    const found = await dataRegions(files, 5, 2 * count);
    expect(found.length).toBeLessThanOrEqual(mostRegions);
    const [from = 0, to] = found.at(-1) ?? [];
    expect([from, to]).toEqual([2 * found.length - 3, 2 * count]);
    expect(list.mock.calls.length).toBeLessThanOrEqual(mostRegions / 1024);
  });

  it('are not known where they cannot be read', async () => {
    const files = { dataRegions: () => Promise.reject(new Error('EIO')) } as unknown as FilesApi;
    await expect(dataRegions(files, 5, 10)).rejects.toThrow('EIO');
  });
});

describe('ranges of a sparse file', () => {
  it('are all data where regions are not known', () => {
    expect(
      splitRegions(
        [
          [0, 9],
          [20, 30],
        ],
        undefined,
      ),
    ).toEqual({
      data: [
        [0, 9],
        [20, 30],
      ],
      holes: [],
    });
  });

  it('are data or holes, each byte one of them and no other', () => {
    /** Ranges apart from each other, in order. */
    const ranges = fc
      .uniqueArray(fc.nat(60), { maxLength: 12 })
      .map((cuts) => cuts.toSorted((a, b) => a - b))
      .map((cuts) => cuts.flatMap((from, i): Ranges => (i % 2 === 0 ? [[from, cuts[i + 1] ?? 61]] : [])));
    const bytesIn = (all: Ranges) =>
      all.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
    fc.assert(
      fc.property(ranges, ranges, (asked, regions) => {
        const { data, holes } = splitRegions(asked, regions);
        const withData = new Set(bytesIn(regions));
        expect(bytesIn(data)).toEqual(bytesIn(asked).filter((byte) => withData.has(byte)));
        expect(bytesIn(holes)).toEqual(bytesIn(asked).filter((byte) => !withData.has(byte)));
        expect([...data, ...holes].every(([from, to]) => from < to)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
