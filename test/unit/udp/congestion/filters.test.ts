import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AckAggregation } from '../../../../plugins/udp/src/congestion/ack-aggregation.js';
import { BandwidthFilter } from '../../../../plugins/udp/src/congestion/bandwidth-filter.js';
import { BaseHistory } from '../../../../plugins/udp/src/congestion/base-history.js';
import { FullPipe } from '../../../../plugins/udp/src/congestion/full-pipe.js';
import { InflightBound } from '../../../../plugins/udp/src/congestion/inflight-bound.js';
import { LongerPath } from '../../../../plugins/udp/src/congestion/longer-path.js';
import { RecentMinimum } from '../../../../plugins/udp/src/congestion/recent-minimum.js';
import { RoundCounter } from '../../../../plugins/udp/src/congestion/round-counter.js';
import { RoundTripMinimum } from '../../../../plugins/udp/src/congestion/round-trip-minimum.js';
import { WindowedMax } from '../../../../plugins/udp/src/congestion/windowed-max.js';
import { ack } from './samples.js';

describe('a windowed maximum', () => {
  it('is the largest of its last turns', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(fc.array(fc.nat())), (length, turns) => {
        const filter = new WindowedMax(length);
        turns.forEach((values, turn) => {
          if (turn > 0) filter.advance();
          for (const value of values) filter.update(value);
          expect(filter.value).toBe(
            Math.max(0, ...turns.slice(Math.max(0, turn + 1 - length), turn + 1).flat()),
          );
        });
      }),
    );
  });

  it('forgets all of them when told to', () => {
    const filter = new WindowedMax(3);
    filter.update(7);
    filter.reset();
    expect(filter.value).toBe(0);
  });
});

describe('the bandwidth filter', () => {
  it('keeps the largest rate for ten rounds', () => {
    const filter = new BandwidthFilter();
    filter.update(100, false);
    for (let round = 1; round <= 9; round++) {
      filter.handleRound(round * 40, 40);
      filter.update(50, false);
    }
    expect(filter.rate).toBe(100);
    filter.handleRound(400, 40);
    expect(filter.rate).toBe(50);
  });

  it('is not lowered by an application that sends little, however long', () => {
    const filter = new BandwidthFilter();
    filter.update(100, false);
    for (let round = 1; round <= 100; round++) {
      filter.update(5, true);
      filter.handleRound(round * 40, 40);
    }
    expect(filter.rate).toBe(100);
    filter.update(120, true);
    expect(filter.rate).toBe(120);
  });

  it('does not forget within milliseconds what rounds of microseconds have shown', () => {
    const filter = new BandwidthFilter();
    filter.update(100, false);
    for (let round = 1; round <= 100; round++) {
      filter.handleRound(100 + round * 0.05, 0.05);
      filter.update(5, false);
    }
    expect(filter.rate).toBe(100);
  });

  it('forgets sooner where a queue makes rounds long', () => {
    const filter = new BandwidthFilter();
    filter.update(100, false);
    for (let round = 1; round <= 4; round++) {
      filter.handleRound(round * 400, 40);
      filter.update(5, false);
    }
    expect(filter.rate).toBe(5);
  });

  it.each([NaN, Infinity, -5, 0, undefined])('takes no rate of %d', (rate) => {
    const filter = new BandwidthFilter();
    filter.update(7, false);
    filter.update(rate, false);
    expect(filter.rate).toBe(7);
  });
});

describe('the aggregation of ACKs', () => {
  it('is nothing but a packet where ACKs come evenly', () => {
    const aggregation = new AckAggregation();
    for (let at = 0; at < 100; at++) aggregation.handleAck(at, 1000, 1_000_000, 1e6);
    expect(aggregation.extraBytes).toBeLessThanOrEqual(1000);
  });

  it('is what a lump exceeds the rate by, and is forgotten after ten rounds', () => {
    const aggregation = new AckAggregation();
    for (let at = 0; at <= 100; at += 10) aggregation.handleAck(at, 10_000, 1_000_000, 1e6);
    expect(aggregation.extraBytes).toBe(10_000);
    for (let round = 0; round < 10; round++) aggregation.handleRound();
    expect(aggregation.extraBytes).toBe(0);
  });

  it('is never more than the window, or a tenth of a second of the rate', () => {
    const aggregation = new AckAggregation();
    aggregation.handleAck(0, 5e6, 1_000_000, 20_000);
    expect(aggregation.extraBytes).toBe(20_000);
    aggregation.handleAck(0, 5e6, 1_000_000, 1e9);
    expect(aggregation.extraBytes).toBe(100_000);
  });
});

describe('the round trip minimum', () => {
  it('is the least of ten seconds', () => {
    const minimum = new RoundTripMinimum();
    minimum.update(0, 40);
    minimum.update(5_000, 60);
    minimum.update(9_000, 70);
    expect(minimum.ms).toBe(40);
    minimum.update(14_100, 70);
    expect(minimum.ms).toBe(70);
  });

  it('is due when it was not seen for five seconds, and not while it is nearly seen', () => {
    const minimum = new RoundTripMinimum();
    minimum.update(0, 40);
    minimum.update(4_000, 40.2);
    minimum.update(8_000, 60);
    expect(minimum.isDue).toBe(false);
    minimum.update(9_100, 60);
    expect(minimum.isDue).toBe(true);
    minimum.update(9_101, 60);
    expect(minimum.isDue).toBe(false);
  });

  it('survives a clock that goes back', () => {
    const minimum = new RoundTripMinimum();
    minimum.update(1e9, 40);
    minimum.update(0, 50);
    expect([minimum.ms, minimum.isDue]).toEqual([40, false]);
    minimum.update(6_000, 50);
    expect(minimum.isDue).toBe(true);
  });

  it.each([NaN, -1, Infinity, undefined])('takes no round trip of %d', (rttMs) => {
    const minimum = new RoundTripMinimum();
    minimum.update(0, rttMs);
    expect(minimum.ms).toBeUndefined();
  });
});

describe('a longer path', () => {
  /** Rounds as [least round trip, most in flight] over a path of 10 ms, until it is told of; its rate is what is delivered in each. */
  const roundsUntilTold = (rounds: readonly (readonly [ms: number, inFlight: number])[], rate?: number) => {
    const path = new LongerPath();
    return rounds.findIndex(([ms, inFlight]) => {
      const delivered = (inFlight / ms) * 1000;
      path.handleAck(ms, inFlight, delivered);
      return path.handleRound({ minMs: 10, bandwidth: rate ?? delivered });
    });
  };

  it('is told of in the second round that what is in flight does not explain', () => {
    const rounds = [1, 2, 3].map(() => [100, 100_000] as const);
    expect(roundsUntilTold(rounds, 10_000_000)).toBe(1);
  });

  it('is told of where a quarter less in flight takes as long', () => {
    const inFlight = [100_000, 100_000, 80_000, 70_000, 60_000, 60_000];
    expect(roundsUntilTold(inFlight.map((bytes) => [40, bytes]))).toBe(4);
  });

  it('is none where the round trip shrinks with what is in flight, as with a queue', () => {
    const inFlight = [100_000, 80_000, 60_000, 50_000, 45_000];
    expect(roundsUntilTold(inFlight.map((bytes) => [bytes / 2_500, bytes]))).toBe(-1);
  });

  it('is none where the round trip was short between', () => {
    const rounds = [
      [40, 100_000],
      [12, 60_000],
      [40, 60_000],
      [40, 60_000],
      [40, 60_000],
    ] as const;
    expect(roundsUntilTold(rounds)).toBe(-1);
  });
});

describe('the rounds', () => {
  it('end with a packet that was sent after the last one had ended', () => {
    const rounds = new RoundCounter();
    const ended = [
      [0, 10],
      [0, 20],
      [9, 30],
      [10, 40],
      [39, 50],
      [40, 60],
    ].map(([priorDeliveredBytes = 0, deliveredBytes = 0]) =>
      rounds.handleAck(ack({ priorDeliveredBytes, deliveredBytes })),
    );
    expect(ended).toEqual([true, false, false, true, false, true]);
    expect(rounds.count).toBe(3);
  });
});

describe('the full pipe', () => {
  it('is found by three rounds without a quarter more', () => {
    const pipe = new FullPipe();
    expect([100, 200, 240, 249, 249, 250].map((rate) => pipe.handleRound(rate))).toEqual([
      ...[false, false, false, false, true],
      false,
    ]);
  });
});

describe('the bound of what is in flight', () => {
  it('is none before a queue was full', () => {
    expect(new InflightBound().bytes).toBe(Infinity);
  });

  it('goes below what found no room, and leaves others some of that', () => {
    const bound = new InflightBound();
    bound.handleFullQueue(100_000, 50_000);
    expect(bound.bytes).toBe(85_000);
    expect(bound.cruiseBytes).toBeLessThan(bound.bytes);
    for (let time = 0; time < 100; time++) bound.handleFullQueue(100_000, 50_000);
    expect(bound.bytes).toBe(25_000);
  });

  it('grows by packets, twice as many from probe to probe', () => {
    const bound = new InflightBound();
    bound.handleFullQueue(100_000, 50_000);
    const grown = [1, 2, 3].map(() => {
      const before = bound.bytes;
      bound.handleRoom(1_000);
      return bound.bytes - before;
    });
    expect(grown).toEqual([8_000, 16_000, 32_000]);
  });
});

describe('the base history', () => {
  it('remembers the least of ten minutes, a minute at a time', () => {
    const base = new BaseHistory();
    base.update(0, 20);
    for (let minute = 0; minute < 10; minute++) base.update(minute * 60_000 + 1, 50 + minute);
    expect(base.ms).toBe(20);
    base.update(10 * 60_000 + 1, 70);
    expect(base.ms).toBe(51);
  });

  it('keeps ten values whatever the clock does', () => {
    const base = new BaseHistory();
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e12, max: 1e12 })), (times) => {
        for (const now of times) base.update(now, 33);
        expect(times.length > 0 ? base.ms : 33).toBe(33);
      }),
    );
  });
});

describe('the recent minimum', () => {
  it('is the least of the last four', () => {
    const recent = new RecentMinimum(4);
    expect(recent.ms).toBeUndefined();
    const seen = [5, 3, 9, 9, 9, 9].map((rttMs) => {
      recent.update(rttMs);
      return recent.ms;
    });
    expect(seen).toEqual([5, 3, 3, 3, 3, 9]);
  });
});
