import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { journalHeaderBytes, readJournal } from '../../src/transfer/journal-core.js';
import { RangeSet } from '../../src/transfer/range-set.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { canTrace, killTraced, readTrace, traced, type TracedCall } from '../support/strace.js';
import { MiB, ResumeBed, type Start } from './resume-kit.js';

let bed: ResumeBed | undefined;

afterEach(() => (bed ? killTraced(bed.recv) : undefined));

/** What the journal said of the one part when it was so long. */
function saidOf(journal: Buffer, end: number): RangeSet | undefined {
  const header = {
    peer: journal.subarray(8, 40),
    key: journal.subarray(40, 56),
    root: journal.subarray(56, 72),
  };
  return [...(readJournal(journal.subarray(0, end), header)?.parts.values() ?? [])][0]?.ranges;
}

/** What of the part is on disk for sure before the call at `before` begins: written before a sync began that has returned. */
function syncedBefore(calls: readonly TracedCall[], before: number): RangeSet {
  const ofPart = calls.filter(({ path, result }) => path.endsWith('.part') && result >= 0);
  const syncs = ofPart.filter(({ name, done }) => name === 'fdatasync' && done < before);
  const since = Math.max(-1, ...syncs.map(({ begun }) => begun));
  const synced = new RangeSet();
  for (const { name, position, result, done } of ofPart)
    if (name === 'pwrite64' && done < since) synced.claim(position, position + result);
  return synced;
}

describe('the journal of a transfer', () => {
  it.skipIf(!canTrace).each([
    ['', []],
    [' under --direct', ['--direct']],
  ])(
    'names nothing before it is on disk, and no file before its directory is%s (needs strace)',
    async (_, flags) => {
      const trace = join(await temporaryDirectory(), 'trace');
      const start = traced(trace, ['pwrite64', 'fdatasync', 'fsync']);
      const startReceiver: Start = (args, options) => start([...args, ...flags], options);
      bed = await ResumeBed.open({ bytesPerSecond: 25 * MiB, startReceiver });
      const send = await bed.send();
      await bed.proxy.passed(50 * MiB);
      await killTraced(bed.recv);
      await send.kill();
      const { out } = bed;
      const journal = await readFile((await bed.leftOver()).journal);
      const calls = await readTrace(trace);
      const entries = calls.filter(
        ({ name, path, position }) =>
          name === 'pwrite64' && path.endsWith('.journal') && position >= journalHeaderBytes,
      );
      expect(entries.length).toBeGreaterThan(2);
      let said = 0;
      for (const { position, result, begun } of entries) {
        const synced = syncedBefore(calls, begun);
        const ranges = saidOf(journal, position + result);
        for (const [from, to] of ranges?.ranges ?? []) expect(synced.missing(from, to)).toEqual([]);
        expect(ranges?.size).toBeGreaterThanOrEqual(said);
        said = ranges?.size ?? 0;
      }
      expect(said).toBeGreaterThan(16 * MiB);
      const [first] = entries;
      const directorySync = calls.find(({ name, path }) => name === 'fsync' && path === out);
      expect(directorySync?.done).toBeLessThan(first?.begun ?? -1);
      // The journal itself is on disk, and so is its name, before anybody is told.
      const ofJournal = calls.filter(({ name, path }) => name === 'fdatasync' && path.endsWith('.journal'));
      expect(ofJournal.length).toBeGreaterThanOrEqual(entries.length - 1);
      expect(ofJournal[0]?.begun).toBeGreaterThan(first?.done ?? Infinity);
    },
    60_000,
  );
});
