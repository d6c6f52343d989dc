import type { UdpConfig } from '../config.js';
import type { CongestionController, ControllerFactory } from '../congestion/controller.js';
import type { PeerParameters } from './contract.js';
import { DeliveryRate } from './delivery-rate.js';
import { Pacer } from './pacer.js';
import { PathMtu } from './path-mtu.js';
import { RttEstimator } from './rtt-estimator.js';
import type { SentRun } from './sent-run.js';

export interface SendPathOptions {
  readonly id: number;
  readonly now: number;
  readonly config: UdpConfig;
  readonly peer: PeerParameters;
  readonly controller: ControllerFactory;
  /** 0: not measured. */
  readonly rttMs: number;
  random(): number;
}

/**
 * The first window is spread over this part of the first round trip: over all of it, the first samples of the rate would be
 * of half of it. The rest of the round trip gives what is queued by it time to drain.
 */
const firstWindowShare = 1 / 2.77;
/** A probe of the MTU takes no more of the round trip than this at the path's rate, or so many milliseconds. */
const probeShare = 1 / 4;
const probeMs = 2;

/** All that is known of the path that is sent on: round trips, rate, largest datagram, what is in flight. Another path begins anew. */
export class SendPath {
  readonly id: number;
  readonly rtt: RttEstimator;
  readonly rate: DeliveryRate;
  readonly mtu: PathMtu;
  readonly pacer: Pacer;
  readonly controller: CongestionController;
  /** The first window, spread over a part of the first round trip; Infinity: that is over, or was never known. */
  #firstRate: number;
  readonly #burstBytes: number;
  #inFlightBytes = 0;

  constructor({ id, now, config, peer, controller, rttMs, random }: SendPathOptions) {
    const burstBytes = Math.max(peer.receiveBufferBytes * config.burstShare, 2 * config.baseDatagramBytes);
    const first = config.pinnedDatagramBytes ?? config.baseDatagramBytes;
    const most = Math.min(config.maxDatagramBytes, peer.maxDatagramBytes);
    this.id = id;
    this.#burstBytes = burstBytes;
    this.rtt = new RttEstimator(now, { initialMs: config.initialRttMs, maxAckDelayMs: config.maxAckDelayMs });
    if (rttMs > 0) this.rtt.handleSample(now, rttMs, 0);
    this.rate = new DeliveryRate(now);
    this.mtu = new PathMtu({
      now,
      baseBytes: Math.min(first, most),
      // Two of them are a burst that the receiver's buffer holds.
      maxBytes: config.pinnedDatagramBytes === undefined ? Math.min(most, Math.floor(burstBytes / 2)) : 0,
      intervalMs: config.mtuProbeIntervalMs,
      againMs: config.mtuAgainMs,
    });
    this.pacer = new Pacer(burstBytes, this.datagramBytes);
    this.controller = controller({ now, datagramBytes: this.datagramBytes, random, rttMs });
    const firstWindow = config.initialWindowPackets * this.datagramBytes;
    this.#firstRate = rttMs > 0 ? (firstWindow / (rttMs * firstWindowShare)) * 1000 : Infinity;
  }

  get datagramBytes(): number {
    return this.mtu.datagramBytes;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Packets of the present size that the window has room for; one at least where nothing is in flight. */
  get windowPackets(): number {
    const window = Math.min(this.controller.windowBytes, this.#heldBytes);
    const packets = Math.floor((window - this.#inFlightBytes) / this.datagramBytes);
    return this.#inFlightBytes === 0 ? Math.max(1, packets) : packets;
  }

  /**
   * What the path holds, a queue twice as long, and a burst for the receiver's buffer: all that is more waits there, where what
   * has no room is lost. On short paths the controller does not know, for ACKs come in lumps when a process waits for a core.
   */
  get #heldBytes(): number {
    return ((3 * this.rate.highest) / 1000) * this.minRttMs + this.#burstBytes;
  }

  /** The round trip without a queue; where the path has become longer the controller finds that first. */
  get minRttMs(): number {
    return Math.max(this.rtt.minMs, this.controller.minRttMs ?? 0);
  }

  /** Largest probe of the MTU that holds up nothing else. */
  get affordableProbeBytes(): number {
    const timeMs = Math.max(this.rtt.smoothedMs * probeShare, probeMs);
    return Math.max(2 * this.datagramBytes, (this.pacer.bytesPerSecond / 1000) * timeMs);
  }

  paceWaitMs(now: number): number {
    this.pacer.setRate(Math.min(this.controller.pacingRate, this.#firstRate), now);
    return this.pacer.waitMs(now);
  }

  /** A first ACK: the controller knows better from now on. */
  endFirstRound(): void {
    this.#firstRate = Infinity;
  }

  /** There was room, and nothing to send. */
  handleAppLimited(): void {
    this.pacer.handleIdle();
    this.rate.handleAppLimited(this.#inFlightBytes);
  }

  handleSent(now: number, run: SentRun): void {
    this.pacer.reserve(run.wireBytes, now);
    if (!run.isCounted) return;
    this.rate.handleSent(now, run, this.#inFlightBytes);
    this.controller.handleSent(now, run.wireBytes, this.#inFlightBytes);
    this.#inFlightBytes += run.wireBytes;
    run.inFlightThen = this.#inFlightBytes;
  }

  /** It is not in flight any more. */
  handleGone(run: SentRun): void {
    if (run.isCounted) this.#inFlightBytes -= run.wireBytes;
  }

  /** After a change of the largest datagram. */
  handleDatagramBytes(): void {
    this.pacer.setDatagramBytes(this.datagramBytes);
    this.controller.handleDatagramBytes(this.datagramBytes);
  }
}
