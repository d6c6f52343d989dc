import { describe, expect, it } from 'vitest';
import { benchPlan, powersOfTwo, type PlanOptions } from '../../../src/bench/plan.js';
import { benchDefaults } from '../../../src/config/index.js';

const here = { hasTarget: false, isFabric: false, hasPeers: false };
const MiB = 2 ** 20;
/** Each work in a word: pattern, bytes, count. */
const worksOf = (options: PlanOptions, at = here): string[] =>
  benchPlan(options, at).works.map(({ pattern, bytes, count }) => `${pattern} ${bytes} ${count}`);

describe('the plan of a bench', () => {
  it('has a file, messages in memory and small ones by turns, five times', () => {
    const { works, repeats } = benchPlan({}, here);
    expect(repeats).toBe(5);
    expect(works).toEqual([
      { pattern: 'file', bytes: 256 * MiB, count: 1, limit: { iterations: 1 }, isBothWays: false },
      { pattern: 'memory', bytes: MiB, count: 1, limit: { timeMs: 1000 }, isBothWays: false },
      { pattern: 'latency', bytes: 64, count: 1, limit: { timeMs: 200 }, isBothWays: false },
    ]);
    expect(worksOf({}, { ...here, hasTarget: true })).toEqual([`memory ${MiB} 1`, 'latency 64 1']);
  });

  it('has every power of two for fabrics, and where latency or memory are all that was asked for', () => {
    const fabrics = benchPlan({}, { ...here, isFabric: true }).works;
    expect(fabrics.map(({ pattern }) => pattern)).toEqual([
      ...Array<string>(23).fill('latency'),
      ...Array<string>(23).fill('memory'),
    ]);
    expect(fabrics.slice(0, 23).map(({ bytes }) => bytes)).toEqual(powersOfTwo(4 * MiB));
    expect(fabrics[0]?.limit).toEqual({ timeMs: 100 });
    expect(worksOf({ patterns: ['memory'] })).toHaveLength(23);
    expect(worksOf({ patterns: ['memory', 'streams'] })).toEqual([`memory ${MiB} 1`, 'streams 64 10000']);
  });

  it('gives sizes without patterns to messages, those that are too large for them to files', () => {
    expect(worksOf({ sizes: [64, 1 << 30] })).toEqual(['file 1073741824 1', 'latency 64 1', 'memory 64 1']);
    expect(worksOf({ sizes: [64] })).toEqual(['latency 64 1', 'memory 64 1']);
  });

  it('has pipes beside other tools, of which some do nothing else', () => {
    const beside = { ...here, hasPeers: true };
    const content = `${256 * MiB} 1`;
    expect(worksOf({}, beside)).toEqual([
      ...[`file ${content}`, `pipe ${content}`, `memory ${MiB} 1`, 'latency 64 1'],
    ]);
    expect(worksOf({ sizes: [1 << 30] }, beside)).toEqual(['file 1073741824 1', 'pipe 1073741824 1']);
    expect(worksOf({ patterns: ['file'] }, beside)).toEqual([`file ${content}`]);
  });

  it('counts files and streams, and takes time of those that can end by it', () => {
    const patterns = ['small-files', 'streams', 'pipe', 'memory'] as const;
    const { works } = benchPlan({ patterns, count: 7, timeMs: 300, isBothWays: true }, here);
    expect(works).toMatchObject([
      { bytes: 4096, count: 7, limit: { iterations: 1 }, isBothWays: true },
      { bytes: 64, count: 7, isBothWays: false },
      { bytes: benchDefaults.maxContentBytes, count: 1, limit: { timeMs: 300 }, isBothWays: true },
      { bytes: MiB, limit: { timeMs: 300 }, isBothWays: true },
    ]);
  });

  it('has a pipe end by its size where one is said, and the others by their time', () => {
    const patterns = ['pipe', 'memory'] as const;
    const { works } = benchPlan({ patterns, sizes: [MiB], timeMs: 300 }, here);
    expect(works).toMatchObject([
      { pattern: 'pipe', bytes: MiB, limit: { iterations: 1 } },
      { pattern: 'memory', bytes: MiB, limit: { timeMs: 300 } },
    ]);
  });

  it.each<PlanOptions>([
    { patterns: ['pipe'], sizes: [MiB], timeMs: 10_000 },
    { patterns: ['pipe', 'file'], sizes: [MiB], timeMs: 10_000 },
    { sizes: [] },
    { sizes: [0] },
    { sizes: [1.5] },
    { sizes: [benchDefaults.maxContentBytes + 1] },
    { sizes: [benchDefaults.maxMessageBytes + 1], patterns: ['memory'] },
    { sizes: Array<number>(benchDefaults.maxSizes + 1).fill(1) },
    { patterns: [] },
    { timeMs: 0 },
    { timeMs: benchDefaults.runMs + 1 },
    { timeMs: 10, patterns: ['file'] },
    { iterations: 0 },
    { iterations: 10, timeMs: 10 },
    { iterations: 10, patterns: ['pipe'] },
    { count: 10 },
    { count: 0, patterns: ['streams'] },
    { isBothWays: true, patterns: ['latency'] },
    { repeats: 100 },
  ])('refuses %j', (options) => {
    expect(() => benchPlan(options, here)).toThrow(expect.objectContaining({ code: 'ERR_XFER_USAGE' }));
  });
});
