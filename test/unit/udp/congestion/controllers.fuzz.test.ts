import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { controllerFactory } from '../../../../plugins/udp/src/congestion/choose-controller.js';
import type { CongestionController } from '../../../../plugins/udp/src/congestion/controller.js';

/** Numbers as a broken clock, a broken core or a lying peer would make them. */
const any = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -1, NaN, Infinity, -Infinity, 1e300, -1e300, Number.MIN_VALUE),
);
const sane = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const often = (usual: fc.Arbitrary<number>) =>
  fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: any });
const time = often(sane(0, 1e6));
const bytes = often(sane(0, 1e8));
const rtt = often(sane(0.01, 2_000));
const datagram = fc.integer({ min: 500, max: 65_507 });

const step = fc.oneof(
  fc.record({
    kind: fc.constant('ack' as const),
    now: time,
    ackedBytes: bytes,
    rttMs: fc.option(rtt, { nil: undefined }),
    minRttMs: rtt,
    smoothedRttMs: rtt,
    deliveredBytes: bytes,
    priorDeliveredBytes: bytes,
    deliveryRate: fc.option(often(sane(1, 1e10)), { nil: undefined }),
    isAppLimited: fc.boolean(),
    inFlightBytes: bytes,
    marked: often(fc.nat(3)),
  }),
  fc.record({
    kind: fc.constant('loss' as const),
    now: time,
    lostBytes: bytes,
    sentAt: time,
    inFlightBytes: bytes,
    inFlightThen: bytes,
    deliveredBytes: bytes,
  }),
  fc.record({ kind: fc.constant('sent' as const), now: time, bytes, inFlight: often(fc.constant(0)) }),
  fc.record({ kind: fc.constant('spurious' as const), now: time, bytes }),
  fc.record({ kind: fc.constant('persistent' as const), now: time }),
  fc.record({ kind: fc.constant('datagram' as const), bytes: datagram }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function apply(controller: CongestionController, given: Step): void {
  switch (given.kind) {
    case 'ack':
      return controller.handleAck(given);
    case 'loss':
      return controller.handleLoss(given);
    case 'sent':
      return controller.handleSent(given.now, given.bytes, given.inFlight);
    case 'spurious':
      return controller.handleSpuriousLoss(given.now, given.bytes);
    case 'persistent':
      return controller.handlePersistentCongestion(given.now);
    case 'datagram':
      return controller.handleDatagramBytes(given.bytes);
  }
}

const leastPackets = { bbr: 4, cubic: 2, ledbat: 2, 'fixed:80mbit': 2 } as const;

describe.each(Object.entries(leastPackets))('%s', (name, least) => {
  // A failure prints its seed and path; XFER_FUZZ_SEED runs it again.
  const seed = Number(process.env['XFER_FUZZ_SEED'] ?? 20_251_121);

  it('has a finite window of enough packets and a finite rate, whatever it is told', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), datagram, rtt, (steps, firstDatagram, rttMs) => {
        let datagramBytes = firstDatagram;
        const controller = controllerFactory(name)({ now: 0, datagramBytes, random: () => 0.3, rttMs });
        for (const given of steps) {
          apply(controller, given);
          if (given.kind === 'datagram') datagramBytes = given.bytes;
          expect(controller.windowBytes).toBeGreaterThanOrEqual(least * datagramBytes);
          expect(controller.windowBytes).toBeLessThanOrEqual(2 ** 32);
          expect(controller.pacingRate).toBeGreaterThan(0);
          expect(controller.pacingRate).toBeLessThanOrEqual(1e12);
        }
      }),
      { numRuns: 500, seed },
    );
  });
});
