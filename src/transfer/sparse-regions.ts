import type { FilesApi } from '../native/api.js';
import type { Ranges } from './messages.js';
import { RangeSet } from './range-set.js';

/** Regions with data that are told apart in one file; what follows is sent as it is. */
export const mostRegions = 65_536;
const regionsAtOnce = 1024;

/** Where a sparse file has data: what lies between is a hole. Rejects with an errno error. */
export async function dataRegions(files: FilesApi, fd: number, size: number): Promise<Ranges> {
  const regions: [number, number][] = [];
  for (let from = 0; from < size;) {
    const found = await files.dataRegions(fd, from, regionsAtOnce);
    for (let i = 0; i + 1 < found.length; i += 2) {
      const [start = 0, end = 0] = [found[i], found[i + 1]];
      if (start < size) regions.push([start, Math.min(end, size)]);
    }
    if (found.length < 2 * regionsAtOnce) return regions;
    from = found.at(-1) ?? size;
    if (regions.length >= mostRegions - regionsAtOnce) return [...regions, [from, size]];
  }
  return regions;
}

/** What of `ranges` has data, and what is a hole; `regions` undefined: all of it has data. */
export function splitRegions(ranges: Ranges, regions: Ranges | undefined): { data: Ranges; holes: Ranges } {
  if (!regions) return { data: ranges, holes: [] };
  const withData = new RangeSet();
  for (const [from, to] of regions) withData.claim(from, to);
  const holes = ranges.flatMap(([from, to]) => withData.missing(from, to));
  const empty = new RangeSet();
  for (const [from, to] of holes) empty.claim(from, to);
  return { data: ranges.flatMap(([from, to]) => empty.missing(from, to)), holes };
}
