import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvictionOrder } from '../../../src/relay/eviction-order.js';

const leastIdleMs = 1_000;

describe('the order in which connections go', () => {
  it('is by weight first, whoever came first and whatever is in use', () => {
    const order = new EvictionOrder(leastIdleMs);
    order.add(0, 1, 5);
    order.add(1, 2, 3);
    order.add(2, 3, 4);
    order.use(3, 2, 1);
    expect([order.victimFor(10, 9), order.victimFor(10, 2), order.victimFor(60_000, 3)]).toEqual([
      ...[2, undefined, undefined],
    ]);
    order.delete(2);
    expect(order.victimFor(10, 9)).toBe(3);
    order.setWeight(1, 1);
    expect([order.victimFor(10, 9), order.size]).toEqual([1, 2]);
  });

  it('is then by use, and by the time of the last activity, not by age', () => {
    const order = new EvictionOrder(leastIdleMs);
    for (const connection of [1, 2, 3]) order.add(connection, connection, 1);
    expect(order.victimFor(2_000, 2)).toBe(1);
    order.handleActive(2_000, 1);
    expect(order.victimFor(2_000, 2)).toBe(2);
    order.use(2_000, 2, 1);
    expect(order.victimFor(2_000, 2)).toBe(3);
    order.use(2_000, 3, 1);
    order.use(2_100, 1, 1);
    expect(order.victimFor(2_200, 2)).toBe(2);
    order.handleActive(2_200, 2);
    expect(order.victimFor(2_200, 2)).toBe(3);
    order.use(2_300, 1, -1);
    expect(order.victimFor(2_300, 2)).toBe(1);
  });

  it('does not depend on who came first, once each has done something', () => {
    const peer = fc.record({ weight: fc.constantFrom(0, 1, 1, 2), uses: fc.boolean() });
    const peers = fc.array(peer, { minLength: 2, maxLength: 12 });
    const shuffled = peers.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray([...list.keys()], { minLength: list.length })),
    );
    /** All that go, one after the other, for one of more weight than any; they come in this order and are active in theirs. */
    const goneAfter = (list: readonly { weight: number; uses: boolean }[], arrivals: readonly number[]) => {
      const order = new EvictionOrder(leastIdleMs);
      for (const connection of arrivals) order.add(connection, connection, list[connection]?.weight ?? 0);
      for (const [connection, { uses }] of list.entries()) {
        order.use(1_000 + 200 * connection, connection, 1);
        if (!uses) order.use(1_100 + 200 * connection, connection, -1);
      }
      const gone: number[] = [];
      for (let victim; (victim = order.victimFor(100_000, 9)) !== undefined; gone.push(victim))
        order.delete(victim);
      return gone;
    };
    fc.assert(
      fc.property(shuffled, ([list, arrivals]) => {
        const gone = goneAfter(list, arrivals);
        expect(gone).toEqual(goneAfter(list, [...list.keys()]));
        const weights = gone.map((connection) => list[connection]?.weight ?? 0);
        expect(weights).toEqual([...weights].sort((a, b) => a - b));
      }),
    );
  });

  it('lets equals take the place only of who has been idle for a while', () => {
    const order = new EvictionOrder(leastIdleMs);
    order.add(0, 1, 1);
    expect([order.victimFor(999, 1), order.victimFor(1_000, 1)]).toEqual([undefined, 1]);
    order.use(1_000, 1, 1);
    expect(order.victimFor(60_000, 1)).toBeUndefined();
    order.use(60_000, 1, -1);
    expect([order.victimFor(60_999, 1), order.victimFor(61_000, 1)]).toEqual([undefined, 1]);
  });

  it('knows nothing of who is not there', () => {
    const order = new EvictionOrder(leastIdleMs);
    order.use(0, 1, 1);
    order.handleActive(0, 1);
    order.setWeight(1, 3);
    order.delete(1);
    expect([order.victimFor(0, Infinity), order.size]).toEqual([undefined, 0]);
  });

  it('is that of a plain search through all of them', () => {
    const act = fc.record({
      act: fc.constantFrom('add', 'add', 'use', 'unuse', 'active', 'weight', 'evict', 'delete'),
      connection: fc.nat({ max: 12 }),
      weight: fc.constantFrom(0, 0.5, 1, 1, 2, 7),
      afterMs: fc.constantFrom(0, 1, 99, 100, 600, 5_000),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
        const order = new EvictionOrder(leastIdleMs);
        const all = new Map<number, { weight: number; uses: number; at: number; turn: number }>();
        let now = 0;
        for (const [turn, { act, connection, weight, afterMs }] of acts.entries()) {
          now += afterMs;
          const place = all.get(connection);
          if (act === 'add' && !place) {
            order.add(now, connection, weight);
            all.set(connection, { weight, uses: 0, at: now, turn });
          } else if (act === 'use' || act === 'unuse') {
            const change = act === 'use' ? 1 : -1;
            order.use(now, connection, change);
            if (place && place.uses + change >= 0)
              Object.assign(place, { uses: place.uses + change, at: now, turn });
          } else if (act === 'active') {
            order.handleActive(now, connection);
            if (place && now - place.at >= 100) Object.assign(place, { at: now, turn });
          } else if (act === 'weight') {
            order.setWeight(connection, weight);
            if (place && place.weight !== weight) Object.assign(place, { weight, turn });
          } else if (act === 'delete') {
            order.delete(connection);
            all.delete(connection);
          } else if (act === 'evict') {
            const victim = order.victimFor(now, weight);
            const lowest = Math.min(...[...all.values()].map((other) => other.weight));
            const [first] = [...all]
              .filter(([, other]) => other.weight === lowest && (lowest < weight || other.uses === 0))
              .sort(([, a], [, b]) => Number(a.uses > 0) - Number(b.uses > 0) || a.turn - b.turn);
            const isFair =
              first && (lowest < weight || (lowest === weight && now - first[1].at >= leastIdleMs));
            expect(victim).toBe(isFair ? first[0] : undefined);
            if (victim === undefined) continue;
            expect(all.get(victim)?.weight).toBeLessThanOrEqual(weight);
            order.delete(victim);
            all.delete(victim);
          }
          expect(order.size).toBe(all.size);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
