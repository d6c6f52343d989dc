import { describe, expect, it } from 'vitest';
import { BlockPool } from '../../../../plugins/udp/src/core/block-pool.js';
import { Reassembly } from '../../../../plugins/udp/src/core/reassembly.js';

const run = (value: number): Uint8Array => new Uint8Array(60_000).fill(value);

describe('what is held', () => {
  it('costs a KiB a piece at least, however small', () => {
    const reassembly = new Reassembly();
    for (let index = 0; index < 100; index++) reassembly.hold(10 + 2 * index, new Uint8Array(1));
    expect(reassembly.costBytes).toBe(100 * 1024);
    reassembly.hold(1000, new Uint8Array(2000));
    expect(reassembly.costBytes).toBeGreaterThan(100 * 1024 + 2000);
    // What is there already costs nothing.
    reassembly.hold(10, new Uint8Array(1));
    expect(reassembly.costBytes).toBeLessThan(100 * 1024 + 2200);
    reassembly.pass(0, new Uint8Array(5000));
    expect(reassembly.take()).toBeUndefined();
    expect([reassembly.isEmpty, reassembly.costBytes]).toEqual([true, 0]);
  });

  it('is held in memory that was used before, and lives until the next call', () => {
    const pool = new BlockPool();
    const reassembly = new Reassembly(0, pool);
    reassembly.hold(60_000, run(2));
    reassembly.hold(120_000, run(3));
    reassembly.pass(0, run(1));
    const second = reassembly.take();
    expect(second).toEqual(run(2));
    reassembly.hold(240_000, run(5));
    expect(second).toEqual(run(2));
    const third = reassembly.take();
    expect(third).toEqual(run(3));
    expect(reassembly.take()).toBeUndefined();
    const [one, other] = [pool.take().buffer, pool.take().buffer];
    expect(new Set([one, other])).toEqual(new Set([second?.buffer, third?.buffer]));
    reassembly.pass(180_000, run(4));
    expect(reassembly.take()).toEqual(run(5));
  });
});

it('a pool keeps no more than some megabytes', () => {
  const pool = new BlockPool();
  const given: Uint8Array[] = Array.from({ length: 1000 }, () => new Uint8Array(65_536));
  for (const block of given) pool.give(block);
  const kept = given.map(() => pool.take()).filter((block) => given.includes(block));
  expect(kept.length).toBeGreaterThan(10);
  expect(kept.length).toBeLessThanOrEqual(64);
});
