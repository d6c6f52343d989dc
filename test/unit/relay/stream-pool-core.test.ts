import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { muxDefaults, relayDefaults } from '../../../src/config/index.js';
import { StreamPoolCore } from '../../../src/relay/stream-pool-core.js';

const limits = { maxStreamsTotal: 1_000, maxStreamsPerPeer: 400, leastStreamsPerPeer: 10 };

function poolOf(weights: readonly number[], listedPart = 0.75): StreamPoolCore {
  const pool = new StreamPoolCore(limits);
  pool.setListedPart(listedPart);
  for (const weight of weights) pool.enter(weight);
  return pool;
}

describe('the streams that a peer may have', () => {
  it('follow the weights of the listed peers that are connected, within bounds', () => {
    const pool = poolOf([1, 4, 10, 85]);
    // 7.5, 30, 75 and 637 of the 750 that are kept for them.
    expect([1, 4, 10, 85].map((weight) => pool.capOf({ weight }))).toEqual([10, 30, 75, 400]);
    pool.leave(85);
    expect([1, 4, 10].map((weight) => pool.capOf({ weight }))).toEqual([50, 200, 400]);
  });

  it('are what its own limit says, where it has one and its part is as large', () => {
    const pool = poolOf([1, 1]);
    expect(pool.capOf({ weight: 1, most: 3 })).toBe(3);
    expect(pool.capOf({ weight: 1, most: 4_000 })).toBe(375);
  });

  it('are an even part of what strangers have together, however many are listed', () => {
    const pool = poolOf([0, 0, 0, 0, 0, 1, 1000]);
    expect(pool.capOf({ weight: 0 })).toBe(50);
    const opened = Array.from({ length: 60 }, (_, streams) => pool.handleOpen({ weight: 0, streams }));
    expect(opened.indexOf('peer-streams')).toBe(50);
  });

  it('are never so many that strangers take what is kept for others', () => {
    const pool = poolOf(Array.from({ length: 100 }, () => 0));
    // Each may have the least, and all together a quarter of the pool.
    let taken = 0;
    for (let peer = 0; peer < 100; peer++)
      for (let streams = 0; streams < 10; streams++) {
        const refusal = pool.handleOpen({ weight: 0, streams });
        if (!refusal) taken++;
        else expect(refusal).toBe('stranger-streams');
      }
    expect(taken).toBe(250);
    pool.enter(1);
    const listed = Array.from({ length: 500 }, (_, streams) => pool.handleOpen({ weight: 1, streams }));
    expect(listed.indexOf('peer-streams')).toBe(400);
  });

  it('are there for a heavy peer that comes when light ones have all that they may, and for strangers', () => {
    const pool = poolOf([]);
    const open = (weight: number, count: number) => {
      const answers = Array.from({ length: count }, (_, streams) => pool.handleOpen({ weight, streams }));
      return [answers.filter((refusal) => !refusal).length, answers.find((refusal) => refusal)];
    };
    // Each finds fewer than itself there, and so has more than its part turns out to be.
    const light = Array.from({ length: 10 }, () => (pool.enter(1), open(1, 400)));
    expect(light.reduce((sum, [taken]) => sum + Number(taken), 0)).toBe(740);
    expect(light.at(-1)).toEqual([0, 'listed-streams']);
    pool.enter(100);
    expect(open(100, 400)).toEqual([10, 'listed-streams']);
    pool.enter(0);
    expect(open(0, 400)).toEqual([250, 'peer-streams']);
    expect(pool.streams).toBe(1_000);
  });

  it('leave room in a pool that is smaller than the least of a peer', () => {
    const pool = new StreamPoolCore({ ...limits, maxStreamsTotal: 20, leastStreamsPerPeer: 128 });
    pool.setListedPart(0.75);
    pool.enter(1);
    const taken = Array.from({ length: 20 }, (_, streams) => pool.handleOpen({ weight: 1, streams }));
    expect(taken.filter((refusal) => !refusal).length).toBe(14);
    pool.enter(2);
    expect(pool.handleOpen({ weight: 2, streams: 0 })).toBeUndefined();
  });

  it('may be all that there are where nobody is listed', () => {
    const pool = poolOf([0, 0, 0], 0);
    const refusals = [0, 1, 2].flatMap(() =>
      Array.from({ length: 400 }, (_, streams) => pool.handleOpen({ weight: 0, streams })),
    );
    expect(refusals.filter((refusal) => !refusal).length).toBe(3 * 333);
    expect(pool.capOf({ weight: 0 })).toBe(333);
  });

  it('are those of the defaults: a peer alone has as many as one may, and nobody less than the least', () => {
    const pool = new StreamPoolCore();
    pool.enter(0);
    expect(pool.capOf({ weight: 0 })).toBe(muxDefaults.maxStreamsPerPeer);
    for (let peer = 0; peer < 2_000; peer++) pool.enter(0);
    expect(pool.capOf({ weight: 0 })).toBe(relayDefaults.leastStreamsPerPeer);
  });

  it('keep to the pool, to the part of strangers and to the caps, whoever comes and goes', () => {
    const act = fc.record({
      act: fc.constantFrom('enter', 'open', 'open', 'open', 'close', 'leave', 'weight'),
      peer: fc.nat({ max: 5 }),
      weight: fc.constantFrom(0, 0, 1, 2, 7),
      count: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 150 }), (acts) => {
        const pool = new StreamPoolCore({
          ...{ maxStreamsTotal: 60, maxStreamsPerPeer: 30, leastStreamsPerPeer: 2 },
        });
        pool.setListedPart(0.5);
        const peers = new Map<number, { weight: number; streams: number }>();
        const sum = (isCounted: (weight: number) => boolean) =>
          [...peers.values()].reduce(
            (all, { weight, streams }) => all + (isCounted(weight) ? streams : 0),
            0,
          );
        let hasChanged = false;
        for (const { act, peer, weight, count } of acts) {
          const known = peers.get(peer);
          if (act === 'enter' && !known) {
            peers.set(peer, { weight, streams: 0 });
            pool.enter(weight);
          } else if (act === 'open' && known) {
            for (let turn = 0; turn < count; turn++) {
              const refusal = pool.handleOpen(known);
              if (refusal === undefined) known.streams++;
              if (refusal === undefined && known.weight > 0 && !hasChanged)
                expect(sum((other) => other > 0)).toBeLessThanOrEqual(30);
              if (refusal === undefined && known.weight === 0)
                expect(sum((other) => other === 0)).toBeLessThanOrEqual(30);
              if (refusal === undefined) expect(known.streams).toBeLessThanOrEqual(pool.capOf(known));
              if (refusal === 'total-streams') expect(pool.streams).toBe(60);
            }
          } else if (act === 'close' && known) {
            const over = Math.min(count, known.streams);
            known.streams -= over;
            pool.handleClose(known.weight, over);
          } else if (act === 'leave' && known) {
            pool.handleClose(known.weight, known.streams);
            pool.leave(known.weight);
            peers.delete(peer);
          } else if (act === 'weight' && known) {
            // Streams may go over from one part to the other.
            hasChanged = true;
            pool.handleWeight(known, weight);
            known.weight = weight;
          }
          expect(pool.streams).toBe(sum(() => true));
          expect(pool.streams).toBeLessThanOrEqual(60);
        }
      }),
      { numRuns: 500 },
    );
  });
});
