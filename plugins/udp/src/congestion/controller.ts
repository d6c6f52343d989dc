/** What one ACK told, beside what was lost by it. */
export interface AckSample {
  /** Milliseconds of the connection's clock, as everywhere here. */
  readonly now: number;
  /** Newly acknowledged bytes, whole datagrams. */
  readonly ackedBytes: number;
  /** Round trip of the newest packet acknowledged, its delay at the receiver taken off; undefined where it was not new. */
  readonly rttMs: number | undefined;
  /** Least round trip of the last 10 seconds, and smoothed (RFC 6298). */
  readonly minRttMs: number;
  readonly smoothedRttMs: number;
  /** Bytes delivered on this path in all, this ACK's included; and when the newest packet acknowledged was sent. */
  readonly deliveredBytes: number;
  readonly priorDeliveredBytes: number;
  /**
   * Bytes a second, by draft-cheng-iccrg-delivery-rate-estimation: delivered since the newest packet was sent, over the
   * longer of the sending and the acknowledging time. Undefined where there is no sample.
   */
  readonly deliveryRate: number | undefined;
  /** The sample was taken while there was nothing more to send: it says little about the path. */
  readonly isAppLimited: boolean;
  /** Behind this ACK and its losses. */
  readonly inFlightBytes: number;
  /** Packets of it that came with the mark CE (RFC 3168). */
  readonly marked: number;
}

export interface LossSample {
  readonly now: number;
  readonly lostBytes: number;
  /** When the newest of the lost packets was sent. */
  readonly sentAt: number;
  readonly inFlightBytes: number;
  /** In flight when the newest of the lost packets had been sent. */
  readonly inFlightThen: number;
  readonly deliveredBytes: number;
}

/**
 * How much may be under way on one path, and how fast: a sans-IO core. Called by the connection with all that happens; it
 * asks `windowBytes` and `pacingRate` before it sends. Bytes are whole datagrams.
 */
export interface CongestionController {
  readonly name: string;
  readonly windowBytes: number;
  /** Bytes a second; Infinity: no pace. */
  readonly pacingRate: number;
  /** What it takes the round trip without a queue to be, where it looks at that: it may have found a path longer than it was. */
  readonly minRttMs?: number | undefined;
  /** Before the packet counts as in flight. */
  handleSent(now: number, bytes: number, inFlightBytes: number): void;
  /** Losses that the same ACK told come first. */
  handleAck(ack: AckSample): void;
  handleLoss(loss: LossSample): void;
  /** Nothing was acknowledged for several probe timeouts (RFC 9002 §7.6): what was known of the path is void. */
  handlePersistentCongestion(now: number): void;
  /** A packet that had been found lost was acknowledged after all. */
  handleSpuriousLoss(now: number, bytes: number): void;
  /** The largest datagram has changed. */
  handleDatagramBytes(bytes: number): void;
  /** For people and traces: state, bandwidth … */
  describe(): Readonly<Record<string, number | string>>;
}

export interface ControllerOptions {
  readonly now: number;
  readonly datagramBytes: number;
  /** In [0, 1), of a seeded source in tests. */
  random(): number;
  /** Of the handshake; 0 where none was measured. */
  readonly rttMs: number;
}

export type ControllerFactory = (options: ControllerOptions) => CongestionController;
