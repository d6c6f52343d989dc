import type {
  AckSample,
  ControllerOptions,
  LossSample,
} from '../../../../plugins/udp/src/congestion/controller.js';

export const datagramBytes = 1200;

/** An ACK of one packet that took 40 ms on a path of 1.2 MB/s. */
export const ack = (given: Partial<AckSample> = {}): AckSample => ({
  now: 1_000,
  ackedBytes: datagramBytes,
  rttMs: 40,
  minRttMs: 40,
  smoothedRttMs: 40,
  deliveredBytes: 100 * datagramBytes,
  priorDeliveredBytes: 60 * datagramBytes,
  deliveryRate: 1_200_000,
  isAppLimited: false,
  inFlightBytes: 40 * datagramBytes,
  marked: 0,
  ...given,
});

export const loss = (given: Partial<LossSample> = {}): LossSample => ({
  now: 1_000,
  lostBytes: datagramBytes,
  sentAt: 960,
  inFlightBytes: 40 * datagramBytes,
  inFlightThen: 41 * datagramBytes,
  deliveredBytes: 100 * datagramBytes,
  ...given,
});

export const options = (given: Partial<ControllerOptions> = {}): ControllerOptions => ({
  now: 0,
  datagramBytes,
  random: () => 0.5,
  rttMs: 40,
  ...given,
});
