import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/app/histogram.js';
import { withBesides } from '../../../src/bench/besides.js';
import type { Contestant, RunResult } from '../../../src/bench/contract.js';
import { benchEntry, benchRow } from '../../../src/bench/row.js';
import type { BenchWork } from '../../../src/bench/work.js';
import { median as shownMedian } from '../../../src/ui/bench-figures.js';

const latency: BenchWork = {
  ...{ pattern: 'latency', bytes: 1000, count: 1, isBothWays: false },
  limit: { timeMs: 1 },
};
const file: BenchWork = { ...latency, pattern: 'file', bytes: 256 * 2 ** 20, limit: { iterations: 1 } };
const who = (more: Partial<Contestant> = {}): Contestant => ({
  ...{ name: 'tcp', kind: 'xfer', isSealed: true, ...more },
  run: () => Promise.reject(new Error('not run')),
  close: () => Promise.resolve(),
});
/** A file at that many bytes a second. */
const at = (rate: number, more: Partial<RunResult> = {}): RunResult => ({
  ...{ iterations: 1, totalBytes: file.bytes, seconds: file.bytes / rate, ...more },
});
const halfTrips = (...us: number[]): Histogram => {
  const histogram = new Histogram();
  for (const one of us) histogram.add(one);
  return histogram;
};

describe('the id of a row', () => {
  it.each<[Partial<BenchWork>, Partial<Contestant>, string]>([
    [file, {}, 'file/256MiB/tcp'],
    [file, { isSealed: false }, 'file/256MiB/tcp/unsealed'],
    [file, { name: 'socat', kind: 'peer', isSealed: false }, 'file/256MiB/socat'],
    [{ pattern: 'small-files', bytes: 4096, count: 2000 }, {}, 'small-files/2000x4KiB/tcp'],
    [{ pattern: 'streams', bytes: 64, count: 1 }, {}, 'streams/1x64/tcp'],
    [{ pattern: 'memory', bytes: 1000, isBothWays: true }, { isSealed: false }, 'memory/1000/both-ways/tcp'],
  ])('%j of %j is %s', (work, contestant, id) => {
    expect(benchEntry({ ...latency, ...work }, who(contestant)).id).toBe(id);
  });
});

describe('a row', () => {
  it('of latency counts both ways, as fabtests do, and has the median run with the times of all', () => {
    const totalBytes = 20_000;
    const runs = [
      { iterations: 10, totalBytes, seconds: 0.002, halfTrips: halfTrips(100) },
      { iterations: 10, totalBytes, seconds: 0.001, halfTrips: halfTrips(50) },
      { iterations: 10, totalBytes, seconds: 0.004, halfTrips: halfTrips(200) },
    ];
    const row = benchRow(benchEntry(latency, who()), runs);
    expect(row).toMatchObject({ iterations: 10, totalBytes, seconds: 0.002, bytesPerSecond: 1e7 });
    expect(row.spread).toEqual({ min: 5e6, max: 2e7 });
    expect(row.usPerTransfer).toBeCloseTo(100, 9);
    expect(row.transfersPerSecond).toBeCloseTo(10_000, 9);
    expect(row.latency).toMatchObject({ minUs: 50, maxUs: 200 });
    expect(row.latency?.medianUs).toBeCloseTo(100, -1);
    expect(row.samples.map((sample) => sample.latency?.minUs)).toEqual([100, 50, 200]);
  });

  it('has of an even number the lower one in the middle, as tables of passes do', () => {
    const rates = [4e8, 1e8, 2e8, 3e8];
    const row = benchRow(
      benchEntry(file, who()),
      rates.map((rate) => at(rate)),
    );
    expect(row.bytesPerSecond).toBeCloseTo(2e8, 0);
    expect(shownMedian(rates)).toBe(2e8);
  });

  it('has what its median run has, and medians of processor time by process', () => {
    const cpu = (sender: number) => [
      { process: 'sender', seconds: sender },
      { process: 'receiver', seconds: 1 },
    ];
    const row = benchRow(benchEntry(file, who()), [
      at(3e8, { cpu: cpu(3) }),
      at(1e8, { cpu: cpu(1), insideSeconds: 2, path: { lanes: 2 } }),
      at(0.5e8, { cpu: cpu(2) }),
    ]);
    expect(row).toMatchObject({ insideSeconds: 2, path: { lanes: 2 }, cpu: cpu(1) });
    expect(row).not.toHaveProperty('latency');
    expect(row.cpuSecondsPerGiB).toEqual([
      { process: 'sender', seconds: 8 },
      { process: 'receiver', seconds: 4 },
    ]);
  });
});

describe('what ours are beside peers', () => {
  const row = (contestant: Partial<Contestant>, rates: readonly number[]) =>
    benchRow(
      benchEntry(file, who(contestant)),
      rates.map((rate) => at(rate)),
    );

  it('is told by medians, with single rounds beside, encrypted by encrypted', () => {
    const rows = withBesides([
      row({}, [4e8, 6e8, 5e8]),
      row({ name: 'udp', isSealed: false }, [9e8, 9e8, 9e8]),
      row({ name: 'scp', kind: 'peer' }, [2e8, 2e8, 5e8]),
      row({ name: 'socat', kind: 'peer', isSealed: false }, [3e8, 3e8, 3e8]),
      row({ name: 'reference', kind: 'reference' }, [1e8, 1e8, 1e8]),
      row({ name: 'stream layer', transport: 'memory', isSealed: false }, [9e9, 9e9, 9e9]),
    ]);
    expect(rows.map(({ contestant, besides }) => [contestant, besides])).toEqual([
      ['tcp', [expect.objectContaining({ contestant: 'scp' })]],
      ['udp', [expect.objectContaining({ contestant: 'socat', ratio: 3 })]],
      ...['scp', 'socat', 'reference', 'stream layer'].map((name) => [name, undefined]),
    ]);
    const [beside] = rows[0]?.besides ?? [];
    expect(beside?.ratio).toBeCloseTo(2.5, 9);
    expect([beside?.min, beside?.max].map((ratio) => ratio?.toFixed(3))).toEqual(['1.000', '3.000']);
  });
});
