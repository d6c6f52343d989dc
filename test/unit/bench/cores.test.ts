import { describe, expect, it } from 'vitest';
import { decodeBenchHeader, encodeBenchHeader } from '../../../src/bench/message.js';
import { BenchMessageCore } from '../../../src/bench/message-core.js';
import { BenchRunCore } from '../../../src/bench/run-core.js';
import { benchDefaults } from '../../../src/config/index.js';

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

  it('have a header of 26 bytes with the bench and a size within the limit', () => {
    const id = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
    const header = encodeBenchHeader(id, 4096);
    const hex = '7866657207020102030405060708090a0b0c0d0e0f1000001000';
    expect(Buffer.from(header).toString('hex')).toBe(hex);
    expect(decodeBenchHeader(header)).toEqual({ id, messageBytes: 4096 });
    expect(decodeBenchHeader(encodeBenchHeader(id, 0))).toBeUndefined();
    expect(decodeBenchHeader(encodeBenchHeader(id, benchDefaults.maxMessageBytes + 1))).toBeUndefined();
    expect(decodeBenchHeader(header.subarray(0, 25))).toBeUndefined();
    expect(decodeBenchHeader(Buffer.concat([header, Uint8Array.of(0)]))).toBeUndefined();
    expect(decodeBenchHeader(Buffer.from(hex.replace('0702', '0701'), 'hex'))).toBeUndefined();
  });
});
