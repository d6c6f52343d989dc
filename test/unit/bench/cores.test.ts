import { describe, expect, it } from 'vitest';
import { decodeBenchHeader, encodeBenchHeader } from '../../../src/bench/message.js';
import { BenchMessageCore } from '../../../src/bench/message-core.js';
import { benchPlan, powersOfTwo } from '../../../src/bench/plan.js';
import { benchRow } from '../../../src/bench/row.js';
import { BenchRunCore } from '../../../src/bench/run-core.js';
import { Histogram } from '../../../src/app/histogram.js';
import { benchDefaults } from '../../../src/config/index.js';

describe('the plan of a bench', () => {
  it('has every power of two from 1 byte to 4 MiB, both patterns, and a time', () => {
    const plan = benchPlan({});
    expect(plan.sizes).toEqual(powersOfTwo(4 * 2 ** 20));
    expect(plan.sizes).toHaveLength(23);
    expect([plan.sizes[0], plan.sizes.at(-1)]).toEqual([1, 4_194_304]);
    expect(plan).toMatchObject({ patterns: ['latency', 'memory'], limit: { timeMs: 100 }, repeats: 3 });
  });

  it.each([
    [{ sizes: [] }],
    [{ sizes: [0] }],
    [{ sizes: [1.5] }],
    [{ sizes: [benchDefaults.maxMessageBytes + 1] }],
    [{ sizes: powersOfTwo(2 ** 20).flatMap((bytes) => [bytes, bytes, bytes, bytes]) }],
    [{ timeMs: 0 }],
    [{ timeMs: benchDefaults.runMs + 1 }],
    [{ iterations: 0 }],
    [{ iterations: 10, timeMs: 10 }],
    [{ repeats: 100 }],
  ])('refuses %j', (options) => {
    expect(() => benchPlan(options)).toThrow(expect.objectContaining({ code: 'ERR_XFER_USAGE' }));
  });
});

describe('a run', () => {
  /** How many messages of `everyMs` each warm up and count, and how long those take. */
  const run = (limit: ConstructorParameters<typeof BenchRunCore>[0], everyMs: number) => {
    const core = new BenchRunCore(limit, 1000);
    let now = 1000;
    let warmUp = 0;
    for (let isOver = false; !isOver; warmUp++) isOver = core.handleMessage((now += everyMs));
    core.measure(now);
    for (let isOver = false; !isOver;) isOver = core.handleMessage((now += everyMs));
    return { warmUp, counted: core.counted, measuredMs: core.measuredMs(now) };
  };

  it('by number counts exactly so many, after a tenth to warm up', () => {
    expect(run({ iterations: 50 }, 0.5)).toEqual({ warmUp: 5, counted: 50, measuredMs: 25 });
    expect(run({ iterations: 1 }, 1)).toMatchObject({ warmUp: 2, counted: 1 });
    expect(run({ iterations: 1e6 }, 0.001).warmUp).toBe(benchDefaults.maxWarmUp);
  });

  it('by time ends with the first message past it', () => {
    expect(run({ timeMs: 100 }, 1)).toEqual({ warmUp: 10, counted: 100, measuredMs: 100 });
  });

  it('by time has a few messages however long they take', () => {
    expect(run({ timeMs: 100 }, 1000)).toMatchObject({ warmUp: 2, counted: benchDefaults.minIterations });
  });

  it('ends when it takes too long, whatever was asked for', () => {
    const { counted } = run({ iterations: 1e6 }, benchDefaults.runMs / 2000);
    expect(counted).toBe(1000);
  });
});

describe('messages of a bench', () => {
  const message = (kind: number, bytes: number): Uint8Array => {
    const all = new Uint8Array(bytes).fill(9);
    all[0] = kind;
    return all;
  };

  it('are known however they are cut', () => {
    const all = Buffer.concat([message(0, 3), message(2, 3), message(1, 3), message(2, 3), message(0, 3)]);
    for (let cut = 1; cut <= all.length; cut++) {
      const core = new BenchMessageCore(3);
      let echoes = 0;
      let answers = 0;
      for (let at = 0; at < all.length; at += cut) {
        const owed = core.handleData(all.subarray(at, at + cut));
        echoes += owed?.echoes ?? NaN;
        answers += Number(owed?.acknowledges);
      }
      expect([core.messages, echoes, answers]).toEqual([5, 2, 1]);
    }
  });

  it('of another kind are none', () => {
    expect(new BenchMessageCore(2).handleData(Uint8Array.of(0, 9, 3))).toBeUndefined();
  });

  it('have a header of ten bytes with a size within the limit', () => {
    const header = encodeBenchHeader(4096);
    expect(Buffer.from(header).toString('hex')).toBe('78666572070100001000');
    expect(decodeBenchHeader(header)).toBe(4096);
    expect(decodeBenchHeader(encodeBenchHeader(0))).toBeUndefined();
    expect(decodeBenchHeader(encodeBenchHeader(benchDefaults.maxMessageBytes + 1))).toBeUndefined();
    expect(decodeBenchHeader(header.subarray(0, 9))).toBeUndefined();
    expect(decodeBenchHeader(Buffer.concat([header, Uint8Array.of(0)]))).toBeUndefined();
    expect(decodeBenchHeader(Buffer.from('78666572070200001000', 'hex'))).toBeUndefined();
  });
});

describe('a row', () => {
  const what = { transport: 'tcp', loops: 'javascript', messageBytes: 1000 } as const;
  const halfTrips = (...us: number[]): Histogram => {
    const histogram = new Histogram();
    for (const one of us) histogram.add(one);
    return histogram;
  };

  it('of latency counts both ways, as fabtests do, and has the median run with the times of all', () => {
    const runs = [
      { iterations: 10, seconds: 0.002, halfTrips: halfTrips(100) },
      { iterations: 10, seconds: 0.001, halfTrips: halfTrips(50) },
      { iterations: 10, seconds: 0.004, halfTrips: halfTrips(200) },
    ];
    const row = benchRow({ ...what, pattern: 'latency' }, runs);
    expect(row).toMatchObject({ iterations: 10, totalBytes: 20_000, seconds: 0.002, bytesPerSecond: 1e7 });
    expect(row.usPerTransfer).toBeCloseTo(100, 9);
    expect(row.transfersPerSecond).toBeCloseTo(10_000, 9);
    expect(row.latency).toMatchObject({ minUs: 50, maxUs: 200 });
    expect(row.latency?.medianUs).toBeCloseTo(100, -1);
    expect(row.samples.map(({ latency }) => latency?.minUs)).toEqual([100, 50, 200]);
  });

  it('of one way counts that, and has no times of single messages', () => {
    const row = benchRow({ ...what, pattern: 'memory' }, [{ iterations: 10, seconds: 0.001 }]);
    expect(row).toMatchObject({ totalBytes: 10_000, bytesPerSecond: 1e7, usPerTransfer: 100 });
    expect(row).not.toHaveProperty('latency');
  });
});
