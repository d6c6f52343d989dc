import { describe, expect, it } from 'vitest';
import { compareWithBaseline, comparedWords, refuseRegression } from '../../../src/bench/baseline.js';
import { formatReport } from '../../../src/bench/formats/format.js';
import { parseLink } from '../../../src/bench/links.js';
import type { BenchReport } from '../../../src/bench/report.js';
import type { RunLimit } from '../../../src/bench/work.js';
import { comparisonLines } from '../../../src/ui/bench-comparison.js';
import { tableStyle } from '../../../src/ui/table-style.js';
import { referenceOf, reportOf, rowOf } from '../../support/bench-report.js';

const steady = [1, 1.01, 0.99, 1.02, 0.98].map((one) => one * 1e9);
const times = (rates: readonly number[], factor: number) => rates.map((rate) => rate * factor);
const worse = (report: BenchReport, baseline: BenchReport, tolerance = 0.1) =>
  compareWithBaseline(report, baseline, tolerance)
    .rows.filter(({ isRegression }) => isRegression)
    .map(({ row }) => row.contestant);

describe('a report beside a baseline', () => {
  it('has a regression where a row lost more than the tolerance, and names it', () => {
    const baseline = reportOf([rowOf(steady), rowOf(steady, { contestant: 'udp' })]);
    const report = reportOf([rowOf(times(steady, 0.8)), rowOf(times(steady, 0.95), { contestant: 'udp' })]);
    const comparison = compareWithBaseline(report, baseline, 0.1);
    expect(comparison).toMatchObject({ basis: 'raw', missing: [], added: [], notes: [] });
    expect(comparison.rows.map(comparedWords)).toEqual([
      'tcp (file, 1GiB): 800 MB/s, was 1.00 GB/s: 20 % slower, slower in 25 of 25 pairs of runs',
      'udp (file, 1GiB): 950 MB/s, was 1.00 GB/s: 5.0 % slower, slower in 25 of 25 pairs of runs',
    ]);
    expect(() => refuseRegression(comparison)).toThrow(
      expect.objectContaining({
        ...{ code: 'ERR_XFER_REGRESSION', exit: 5 },
        message: `one row is slower than the baseline by more than 10 %: ${comparison.rows.slice(0, 1).map(comparedWords).join()}`,
      }),
    );
    expect(worse(report, baseline, 0.03)).toEqual(['tcp', 'udp']);
    expect(() => refuseRegression(compareWithBaseline(report, baseline, 0.25))).not.toThrow();
  });

  it('has none where one run alone is slow, or runs scatter by more than they lost', () => {
    const baseline = reportOf([rowOf(steady)]);
    expect(worse(reportOf([rowOf([1e9, 1e9, 4e8, 1.01e9, 9.9e8])]), baseline)).toEqual([]);
    const wild = [0.5, 0.7, 1, 1.4, 2];
    expect(worse(reportOf([rowOf(times(wild, 8.8e8))]), reportOf([rowOf(times(wild, 1e9))]))).toEqual([]);
  });

  it('counts latency by its median, and more of it is slower', () => {
    const latency = { pattern: 'latency', bytes: 64 } as const;
    const baseline = reportOf([rowOf(steady, latency)]);
    expect(worse(reportOf([rowOf(times(steady, 0.8), latency)]), baseline)).toEqual(['tcp']);
    // The same medians, though the rates fell: a few long waits.
    const waits = rowOf(steady, latency);
    const samples = waits.samples.map((sample) => ({ ...sample, bytesPerSecond: 1 }));
    expect(worse(reportOf([{ ...waits, samples }]), baseline)).toEqual([]);
  });

  it('takes what slowed the whole machine off, and does not take a slow reference for a fast transfer', () => {
    const baseline = reportOf([rowOf(steady), referenceOf(times(steady, 3))]);
    const slowDay = reportOf([rowOf(times(steady, 0.7)), referenceOf(times(steady, 2.1))]);
    expect(compareWithBaseline(slowDay, baseline, 0.1)).toMatchObject({
      basis: 'both',
      rows: [{ isRegression: false }],
    });
    expect(compareWithBaseline(slowDay, baseline, 0.1).machineRatio).toBeCloseTo(0.7, 6);
    expect(worse(reportOf([rowOf(times(steady, 0.55)), referenceOf(times(steady, 2.1))]), baseline)).toEqual([
      'tcp',
    ]);
    // The reference was lucky, xfer as always.
    expect(worse(reportOf([rowOf(steady), referenceOf(times(steady, 3.9))]), baseline)).toEqual([]);
  });

  it('of another machine is judged beside the reference alone, and not at all without', () => {
    const other = { machine: '64 × Other, 256 GiB' };
    const baseline = reportOf([rowOf(steady), referenceOf(times(steady, 3))], other);
    const half = reportOf([rowOf(times(steady, 0.5)), referenceOf(times(steady, 1.5))]);
    expect(compareWithBaseline(half, baseline, 0.1)).toMatchObject({
      ...{ basis: 'normalised', rows: [{ isRegression: false }] },
      notes: [
        'machine: 2 × Some Processor, 8 GiB, and 64 × Other, 256 GiB in the baseline',
        'rates are judged beside the reference alone',
      ],
    });
    expect(worse(reportOf([rowOf(steady), referenceOf(times(steady, 4))]), baseline)).toEqual(['tcp']);
    expect(() => compareWithBaseline(reportOf([rowOf(steady)]), baseline, 0.1)).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_USAGE' }),
    );
  });

  it.each(['javascript', 'native'] as const)(
    'does not divide latency by bytes a second, and judges none of another machine (%s)',
    (loops) => {
      const { latency: _none, ...native } = rowOf(steady, { pattern: 'latency', bytes: 64 });
      const withTimes = rowOf(steady, { pattern: 'latency', bytes: 64 });
      const slower = (by: number) => {
        const row = rowOf(times(steady, 1 / by), { pattern: 'latency', bytes: 64 });
        const samples = row.samples.map(({ latency: _times, ...sample }) => sample);
        return loops === 'native' ? { ...native, samples } : row;
      };
      const was = loops === 'native' ? { ...native, samples: slower(1).samples } : withTimes;
      const baseline = reportOf([was, rowOf(steady), referenceOf(times(steady, 3))]);
      const slowDay = [rowOf(times(steady, 0.7)), referenceOf(times(steady, 2.1))];
      // The reference is slower by as much, which is no excuse.
      expect(worse(reportOf([slower(1.4), ...slowDay]), baseline)).toEqual(['tcp']);
      expect(worse(reportOf([slower(1.05), ...slowDay]), baseline)).toEqual([]);
      const elsewhere = reportOf([slower(9), ...slowDay], { machine: '64 × Other, 256 GiB' });
      const { rows, notes } = compareWithBaseline(elsewhere, baseline, 0.1);
      expect(rows.map(({ isJudged, isRegression }) => [isJudged, isRegression])).toEqual([
        [false, false],
        [true, false],
      ]);
      expect(rows[0]).not.toHaveProperty('normalisedRatio');
      expect(comparedWords(rows[0] as (typeof rows)[0])).toMatch(/pairs of runs, not judged$/);
      expect(notes.at(-1)).toBe('latency of another machine or kernel is not comparable');
      const alone = {
        ...elsewhere,
        rows: elsewhere.rows.filter(({ pattern, kind }) => pattern === 'latency' || kind === 'reference'),
      };
      expect(() => compareWithBaseline(alone, baseline, 0.1)).toThrow(/latency alone in both/);
    },
  );

  it('fails for a row that failed now, and for none that this machine lacks something for', () => {
    const udp = rowOf(steady, { contestant: 'udp', transport: 'udp' });
    const native = rowOf(steady, { contestant: 'rdma, native', transport: 'rdma', pattern: 'memory' });
    const baseline = reportOf([rowOf(steady), udp, native]);
    const skip = (name: string, code: string) => ({ name, code, reason: 'why', remedy: '' });
    const comparison = (...skipped: ReturnType<typeof skip>[]) =>
      compareWithBaseline(reportOf([rowOf(steady)], { skipped }), baseline, 0.1);
    const lost = comparison(skip('udp', 'ERR_XFER_CONNECTION_LOST'));
    expect(lost.failed).toEqual([{ row: udp, code: 'ERR_XFER_CONNECTION_LOST', reason: 'why' }]);
    expect(() => refuseRegression(lost)).toThrow(
      expect.objectContaining({
        ...{ code: 'ERR_XFER_REGRESSION', exit: 5 },
        message:
          'one row is in the baseline and failed now: udp (file, 1GiB): why (ERR_XFER_CONNECTION_LOST)',
      }),
    );
    for (const none of [
      comparison(),
      comparison(skip('udp', 'ERR_XFER_NO_TRANSPORT')),
      // Memory was not asked for.
      comparison(skip('rdma', 'ERR_XFER_CONNECTION_LOST')),
    ]) {
      expect(none).toMatchObject({ failed: [], missing: [udp, native] });
      expect(() => refuseRegression(none)).not.toThrow();
    }
    const [format, ...formats] = (['junit', 'markdown'] as const).map((name) =>
      formatReport(name, reportOf([rowOf(steady)]), lost),
    );
    expect(format).toContain('<failure type="ERR_XFER_CONNECTION_LOST" message="udp (file, 1GiB): why');
    expect(formats.join('')).toContain('- **failed** udp (file, 1GiB): why');
    expect(comparisonLines(lost, tableStyle({ json: false }, {})).slice(2)).toEqual([
      '  FAILED udp (file, 1GiB): why (ERR_XFER_CONNECTION_LOST)',
      '  not measured now: rdma, native (memory, 1GiB)',
    ]);
  });

  it('tells of rows that are missing or new, and judges no peer', () => {
    const peer = { kind: 'peer', contestant: 'scp' } as const;
    const baseline = reportOf([rowOf(steady), rowOf(steady, peer), rowOf(steady, { contestant: 'quic' })]);
    const report = reportOf([
      rowOf(steady),
      rowOf(times(steady, 0.3), peer),
      rowOf(steady, { contestant: 'ws' }),
    ]);
    const { rows, missing, added } = compareWithBaseline(report, baseline, 0.1);
    expect([rows, missing, added].map((list) => list.length)).toEqual([1, 1, 1]);
    expect([missing[0]?.contestant, added[0]?.contestant]).toEqual(['quic', 'ws']);
    expect(() => compareWithBaseline(reportOf([rowOf(steady, peer)]), baseline, 0.1)).toThrow(
      /no row in common/,
    );
  });

  it('of other flags is refused by their name', () => {
    const baseline = reportOf([rowOf(steady)]);
    const report = (over: Partial<BenchReport['parameters']>) =>
      reportOf([rowOf(steady)], { parameters: { ...baseline.parameters, ...over } });
    expect(() => compareWithBaseline(report({ lanes: 2 }), baseline, 0.1)).toThrow(
      'another --lanes (--lanes then: null, now: 2)',
    );
    expect(() => compareWithBaseline(report({ target: 'tcp://a:1', hops: 1 }), baseline, 0.1)).toThrow(
      /another the target, --hops/,
    );
    const link = { name: null, delayMs: 10, lossShare: 0, seed: 1 };
    expect(() =>
      compareWithBaseline(report({ link }), report({ link: { ...link, seed: 2 } }), 0.1),
    ).not.toThrow();
    expect(() => compareWithBaseline(report({ link }), baseline, 0.1)).toThrow(/--link/);
    const satellite = parseLink('satellite');
    expect(() =>
      compareWithBaseline(
        report({ link: parseLink('10mbit,300ms,0.01%') }),
        report({ link: satellite }),
        0.1,
      ),
    ).toThrow(/another --link/);
    const { back: _back, ...there } = satellite;
    const same = report({ link: { ...there, back: there } });
    expect(() => compareWithBaseline(report({ link: there }), same, 0.1)).not.toThrow();
    const works = (limit: RunLimit) =>
      report({ works: [{ pattern: 'memory', bytes: 2 ** 20, count: 1, limit }] });
    expect(() => compareWithBaseline(works({ iterations: 4 }), works({ timeMs: 5000 }), 0.1)).toThrow(
      'another --time or --iterations (memory, 1MiB then: --time 5000ms, now: --iterations 4)',
    );
  });

  it('stands what has no rate at all', () => {
    const none = reportOf([rowOf([0, 0, 0, 0, 0])]);
    const some = reportOf([rowOf(steady)]);
    expect(worse(none, some)).toEqual(['tcp']);
    expect(worse(some, none)).toEqual([]);
    expect(worse(none, none)).toEqual([]);
  });
});

describe('noise as machines have it', () => {
  /** Runs that scatter by `noise`, log-normal, and one in twenty of them slower by a quarter to a half. */
  const noisy = (random: () => number, rate: number, repeats: number, noise: number) =>
    Array.from({ length: repeats }, () => {
      const gauss = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const slow = random() < 0.05 ? 1.3 + 0.7 * random() : 1;
      return (rate * Math.exp(noise * gauss)) / slow;
    });

  /** Of many reports of one row each, made slower by `slowdown`, the share that is called a regression. */
  function shareCalled(slowdown: number, repeats: number, noise: number, drift: number): number {
    const random = mulberry32(0x5eed + repeats);
    const reports = 400;
    let called = 0;
    for (let i = 0; i < reports; i++) {
      const machine = Math.exp(drift * (2 * random() - 1));
      const report = (speed: number, slower: number) =>
        reportOf([
          rowOf(noisy(random, (1e9 * speed) / slower, repeats, noise)),
          referenceOf(noisy(random, 3e9 * speed, repeats, 0.04)),
        ]);
      called += worse(report(machine, slowdown), report(1, 1)).length;
    }
    return called / reports;
  }

  it.each([
    // Repeats, noise, drift of the machine; at most called of the same build, of one slowed by 3 %, and at least of 20 %.
    { repeats: 5, noise: 0.05, drift: 0, same: 0.01, slightly: 0.03, much: 0.88 },
    { repeats: 5, noise: 0.08, drift: 0, same: 0.03, slightly: 0.08, much: 0.72 },
    { repeats: 5, noise: 0.05, drift: 0.1, same: 0.02, slightly: 0.04, much: 0.75 },
    { repeats: 9, noise: 0.05, drift: 0, same: 0.005, slightly: 0.01, much: 0.96 },
    { repeats: 9, noise: 0.08, drift: 0, same: 0.01, slightly: 0.05, much: 0.87 },
  ])(
    'is told from a slower build: $repeats runs of ±$noise, drift $drift',
    ({ repeats, noise, drift, ...most }) => {
      const [same, slightly, much] = [1, 1.03, 1.2].map((slower) =>
        shareCalled(slower, repeats, noise, drift),
      );
      process.stderr.write(
        `${repeats} runs, noise ${noise}, drift ${drift}: called a regression of the same build ${same}, of one slowed by 3 % ${slightly}, by 20 % ${much}\n`,
      );
      expect(same).toBeLessThanOrEqual(most.same);
      expect(slightly).toBeLessThanOrEqual(most.slightly);
      expect(much).toBeGreaterThanOrEqual(most.much);
    },
  );
});

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
