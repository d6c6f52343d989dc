import type { ControllerFactory } from '../congestion/controller.js';
import type { UdpConfig } from '../config.js';

/** A run of data packets that was received; tags were checked. */
export interface ReceivedRun {
  readonly number: number;
  readonly packets: number;
  readonly streamId: number;
  readonly offset: number;
  readonly fin: boolean;
  /** Live until the call returns. All packets but the last have the same share of it. */
  readonly bytes: Uint8Array;
  /** Packets with the mark CE. */
  readonly marked: number;
  readonly path: number;
}

/** A control packet that was received; its tag was checked. */
export interface ReceivedControl {
  readonly number: number;
  /** Live until the call returns. */
  readonly frames: Uint8Array;
  readonly marked: number;
  readonly path: number;
  /** Of the whole datagram. */
  readonly datagramBytes: number;
}

/** What `poll` gives: the caller sends it at once, or drops it (then it is lost like any other packet). */
export type Transmit = RunToSend | ControlToSend;

export interface RunToSend {
  readonly kind: 'run';
  readonly path: number;
  readonly number: number;
  readonly packets: number;
  readonly streamId: number;
  readonly offset: number;
  readonly fin: boolean;
  /** Content of each packet but the last. */
  readonly packetBytes: number;
  readonly bytes: number;
  readonly chunks: readonly Uint8Array[];
}

export interface ControlToSend {
  readonly kind: 'control';
  readonly path: number;
  readonly number: number;
  readonly frames: Uint8Array;
  /** Padded to this, a probe of the path's MTU. */
  readonly datagramBytes?: number;
}

export type CoreEnd =
  /** The other side said CLOSE; code 0 is orderly. */
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string }
  /** Our own `close` is known to the other side, or time for that is up. */
  | { readonly kind: 'finished' }
  /** Nothing was heard for the idle timeout. */
  | { readonly kind: 'silent' }
  /** The other side broke the protocol; it is told so. */
  | { readonly kind: 'violation'; readonly reason: string };

/** Whom the core works for; called from within its methods. */
export interface CoreUser {
  /** Bytes of control, in order; they live until the call returns. */
  handleControl(bytes: Uint8Array): void;
  /** Content, in order for each stream; it lives until the call returns. */
  handleContent(streamId: number, bytes: Uint8Array, fin: boolean): void;
  /** How many bytes of the stream may come in all; 'unopened': hold a little; 'over': take and forget. */
  limitOf(streamId: number): number | 'unopened' | 'over';
  /** Frames of control, about `maxBytes`, which are the core's from now on; undefined: none. */
  pullControl(maxBytes: number): Uint8Array | undefined;
  pullContent(maxBytes: number): PulledContent | undefined;
  /** Called once; nothing follows. */
  handleEnd(end: CoreEnd): void;
  /** From now on this path is the one that is sent on. */
  handlePath(path: number): void;
}

/** `Content` of a StreamsLink. */
export interface PulledContent {
  readonly streamId: number;
  readonly offset: number;
  readonly bytes: number;
  readonly chunks: readonly Uint8Array[];
  readonly fin: boolean;
  done(): void;
}

export interface ConnectionCoreOptions {
  readonly config: UdpConfig;
  readonly now: number;
  /** Fills the array; for path challenges. */
  randomBytes(into: Uint8Array): void;
  /** In [0, 1). */
  random(): number;
  readonly controller: ControllerFactory;
  /** The path that the hellos went on. */
  readonly path: number;
  /** What the other side's hello said. */
  readonly peer: PeerParameters;
  /** Round trip of the hellos; 0: not measured. */
  readonly rttMs: number;
  /** Bytes of control that our hello brought, and that the other side has: what is pulled next goes on behind them. */
  readonly controlSentBytes: number;
  /** The same of its hello: given out already. */
  readonly controlReceivedBytes: number;
  readonly user: CoreUser;
}

/** What each hello tells the other side. */
export interface PeerParameters {
  /** Largest datagram that it takes, UDP payload. */
  readonly maxDatagramBytes: number;
  /** Its real SO_RCVBUF. */
  readonly receiveBufferBytes: number;
  /** Connection credit at the start: content sent and not known to be delivered in order, all streams together. */
  readonly creditBytes: number;
}

/** A snapshot, for stats() and traces. */
export interface CoreStats {
  readonly minRttMs: number;
  readonly rttMs: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly spuriousLosses: number;
  readonly inFlightBytes: number;
  readonly unsentBytes: number;
  readonly deliveryRate: number;
  readonly datagramBytes: number;
  readonly windowBytes: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** What is held in memory: bytes that came early or out of order, runs that were sent and may still be acknowledged, ranges of numbers that came, streams. */
  readonly heldBytes: number;
  readonly sentRuns: number;
  readonly ackRanges: number;
  readonly streams: number;
  readonly controller: Readonly<Record<string, number | string>>;
}

/**
 * One connection behind its hellos, without I/O, clock or keys: packets go in by `handle*`, come out by `poll` until it
 * gives undefined, and `handleTimeout` wants to be called at `nextTimeout`. Times are milliseconds, with fractions, of a
 * clock that is meant to be monotonic; one that jumps does no harm. docs/udp.md has the packets.
 */
export interface ConnectionCoreApi {
  handleRun(now: number, run: ReceivedRun): void;
  handlePacket(now: number, packet: ReceivedControl): void;
  /** All of a received batch was handled: decides about ACKs once for all of it. */
  handleBatchEnd(now: number): void;
  /** There may be something to pull. */
  ready(): void;
  forget(streamId: number): void;
  opened(now: number, streamId: number): void;
  poll(now: number): Transmit | undefined;
  readonly nextTimeout: number;
  handleTimeout(now: number): void;
  /** CLOSE behind all that was pulled, repeated until it is known to have arrived. Code 0: orderly. */
  close(now: number, code: number, reason: string): void;
  /** CLOSE at once, once: `poll` gives it, then nothing more. */
  abort(now: number, code: number, reason: string): void;
  stats(): CoreStats;
}
