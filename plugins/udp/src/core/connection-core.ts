import { packetLayout } from 'xfer/plugin';
import { Acknowledger } from './acknowledger.js';
import type {
  ConnectionCoreApi,
  ConnectionCoreOptions,
  CoreEnd,
  CoreStats,
  ReceivedControl,
  ReceivedRun,
  Transmit,
} from './contract.js';
import { FrameReader, isAckEliciting, type FrameHandler } from './frame-reader.js';
import { PathCandidates } from './path-candidates.js';
import type { ReceivedAck } from './received-ack.js';
import { Receiver } from './receiver.js';
import { Sender } from './sender.js';
import { heartbeatMs, isDue, SteadyClock } from './steady-clock.js';

/** Codes of CLOSE. */
const closeCode = Object.freeze({ orderly: 0, violation: 1 });
/** A challenge or an answer to one, whole. */
const pathPacketBytes = packetLayout.framesAt + 9 + packetLayout.tagBytes;
/** CLOSE is given up after three probe timeouts, each twice the one before; and for so long packets are answered when all is over. */
const closeTimeouts = 1 + 2 + 4;
const lingerTimeouts = 3;

interface Close {
  readonly code: number;
  readonly reason: string;
}

/** Joins the two sides of a connection, and knows how it ends. See `ConnectionCoreApi`. */
export class ConnectionCore implements ConnectionCoreApi, FrameHandler {
  readonly #options: ConnectionCoreOptions;
  readonly #clock: SteadyClock;
  readonly #acknowledger: Acknowledger;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #reader = new FrameReader();
  readonly #candidates: PathCandidates;
  #heardAt: number;
  /** The packet at hand. */
  #packet: ReceivedControl | undefined;
  #wasRefused = false;
  /** `close` was called. */
  #closing: Close | undefined;
  /** CLOSE is given up then. */
  #closeEndsAt = Infinity;
  #isOver = false;
  /** What is said when all is over: with the next `poll`, and to packets that come until `#lingerEndsAt`. */
  #last: Close | undefined;
  #isLastDue = false;
  #lingerEndsAt = -Infinity;
  /** Where the last packet came from, and how long it was: it is what is answered when all is over. */
  #straggler = { path: 0, bytes: Infinity };

  constructor(options: ConnectionCoreOptions) {
    const { config, now, user } = options;
    this.#options = options;
    this.#clock = new SteadyClock(now);
    this.#heardAt = now;
    this.#straggler.path = options.path;
    this.#acknowledger = new Acknowledger(config);
    this.#sender = new Sender(options, this.#acknowledger);
    this.#receiver = new Receiver(options, {
      limitOf: (streamId) => (this.#isOver ? 'over' : user.limitOf(streamId)),
      handleContent: (streamId, bytes, fin) => {
        if (!this.#isOver) user.handleContent(streamId, bytes, fin);
      },
      handleControl: (bytes) => {
        if (!this.#isOver) user.handleControl(bytes);
      },
    });
    this.#candidates = new PathCandidates({
      path: options.path,
      challengeMs: config.pathChallengeMs,
      maxChallenges: config.maxPathChallenges,
      randomBytes: (into) => options.randomBytes(into),
    });
  }

  get nextTimeout(): number {
    if (this.#isOver && this.#lingerEndsAt === -Infinity) return Infinity;
    // No wait is longer, or the clock would take it for a jump.
    const heartbeatAt = this.#clock.now + heartbeatMs;
    if (this.#isOver) return this.#clock.toCaller(Math.min(this.#lingerEndsAt, heartbeatAt));
    const at = Math.min(
      this.#sender.at,
      this.#acknowledger.at,
      this.#candidates.at,
      this.#closeEndsAt,
      this.#heardAt + this.#options.config.idleTimeoutMs,
      heartbeatAt,
    );
    return this.#clock.toCaller(Math.max(at, this.#clock.now));
  }

  handleRun(caller: number, run: ReceivedRun): void {
    const now = this.#clock.advance(caller);
    const { number, packets, marked, fin } = run;
    if (this.#acknowledger.isKnown(number, packets)) return;
    this.#heardAt = now;
    if (!this.#isOver) {
      const receipt = this.#receiver.handleRun(run);
      if (receipt === 'dropped') return;
      if (receipt !== 'taken') return this.#violate(now, receipt.violation);
    }
    this.#notePath(now, run, run.bytes.length + packets * packetLayout.dataHeaderBytes);
    this.#acknowledger.handlePackets(now, number, packets, { marked, isEliciting: true, isUrgent: fin });
  }

  handlePacket(caller: number, packet: ReceivedControl): void {
    const now = this.#clock.advance(caller);
    const { number, marked, frames } = packet;
    if (this.#acknowledger.isKnown(number, 1)) return;
    this.#heardAt = now;
    const fault = this.#isOver ? undefined : this.#read(packet);
    if (fault !== undefined) return this.#violate(now, fault);
    if (this.#wasRefused) return;
    this.#notePath(now, packet, packet.datagramBytes);
    const isEliciting = isAckEliciting(frames);
    this.#acknowledger.handlePackets(now, number, 1, { marked, isEliciting, isUrgent: false });
  }

  handleBatchEnd(caller: number): void {
    const now = this.#clock.advance(caller);
    if (this.#isOver) {
      if (this.#acknowledger.isWaiting && now < this.#lingerEndsAt) this.#isLastDue = true;
    } else this.#acknowledger.handleBatchEnd(now);
  }

  ready(): void {
    this.#sender.ready();
  }

  forget(streamId: number): void {
    this.#sender.forget(streamId);
    this.#receiver.streams.forget(streamId);
  }

  opened(caller: number, streamId: number): void {
    const now = this.#clock.advance(caller);
    if (this.#isOver) return;
    const fault = this.#receiver.streams.opened(streamId);
    if (fault !== undefined) this.#violate(now, fault);
  }

  poll(caller: number): Transmit | undefined {
    const now = this.#clock.advance(caller);
    if (this.#sender.isSpent) {
      this.#end(now, { kind: 'finished' });
      return undefined;
    }
    if (this.#isOver) return this.#pollLast(now);
    if (this.#sender.isRunningOut)
      this.#closing ??= { code: closeCode.orderly, reason: 'packet numbers or offsets run out' };
    const found = (this.#candidates.isEmpty ? undefined : this.#pollPaths(now)) ?? this.#sender.poll(now);
    if (found !== undefined || this.#closing === undefined || this.#closeEndsAt < Infinity) return found;
    if (!this.#sender.isIdle) return undefined;
    this.#sender.closeWith(this.#closing.code, this.#closing.reason);
    this.#closeEndsAt = now + closeTimeouts * this.#sender.probeTimeoutMs;
    return this.#sender.poll(now);
  }

  handleTimeout(caller: number): void {
    const now = this.#clock.advance(caller);
    if (this.#isOver) {
      if (isDue(this.#lingerEndsAt, now)) this.#lingerEndsAt = -Infinity;
      return;
    }
    if (isDue(this.#heardAt + this.#options.config.idleTimeoutMs, now))
      return this.#end(now, { kind: 'silent' });
    if (isDue(this.#closeEndsAt, now)) return this.#end(now, { kind: 'finished' });
    if (
      this.#sender.handleTimeout(now) &&
      this.#sender.timeouts % this.#options.config.persistentTimeouts === 0
    )
      this.#candidates.tryReturn(now);
  }

  close(caller: number, code: number, reason: string): void {
    this.#clock.advance(caller);
    if (!this.#isOver) this.#closing ??= { code, reason };
  }

  abort(caller: number, code: number, reason: string): void {
    this.#clock.advance(caller);
    if (this.#isOver) return;
    this.#last = { code, reason };
    this.#isLastDue = true;
    this.#straggler.path = this.#sender.path.id;
    this.#stop();
  }

  stats(): CoreStats {
    const { path, counters, unsentBytes } = this.#sender;
    return {
      minRttMs: path.minRttMs,
      rttMs: path.rtt.smoothedMs,
      packetsSent: counters.packets,
      packetsLost: counters.lost,
      spuriousLosses: counters.spurious,
      inFlightBytes: path.inFlightBytes,
      unsentBytes,
      deliveryRate: path.rate.latest,
      datagramBytes: path.datagramBytes,
      windowBytes: path.controller.windowBytes,
      bytesSent: counters.bytes,
      bytesReceived: this.#receiver.bytes,
      heldBytes: this.#receiver.heldBytes,
      sentRuns: this.#sender.sentRuns,
      ackRanges: this.#acknowledger.ranges,
      streams: this.#sender.streams + this.#receiver.streams.count,
      controller: path.controller.describe(),
    };
  }

  /** The frames of the packet at hand. */
  handleAck(ack: ReceivedAck): string | undefined {
    if (this.#isOver) return undefined;
    const now = this.#clock.now;
    const fault = this.#sender.handleAck(now, ack, this.#packet?.number ?? 0);
    if (this.#sender.timeouts === 0) this.#candidates.endReturn();
    if (fault === undefined && this.#sender.isCloseAcked) this.#end(now, { kind: 'finished' });
    return fault;
  }

  handleControlData(offset: number, bytes: Uint8Array): string | undefined {
    const receipt = this.#isOver ? 'taken' : this.#receiver.handleControlData(offset, bytes);
    if (receipt === 'dropped') this.#wasRefused = true;
    return typeof receipt === 'object' ? receipt.violation : undefined;
  }

  handlePathChallenge(token: Uint8Array): void {
    if (this.#packet !== undefined) this.#candidates.handleChallenge(this.#packet.path, token);
  }

  handlePathResponse(token: Uint8Array): void {
    const path = this.#packet?.path;
    if (path === undefined || this.#isOver) return;
    const now = this.#clock.now;
    const rttMs = this.#candidates.handleResponse(now, path, token);
    if (rttMs === undefined || path === this.#sender.path.id) return;
    this.#candidates.handleMove(this.#sender.path.id, path);
    this.#sender.moveTo(now, path, rttMs);
    this.#options.user.handlePath(path);
  }

  handleClose(code: number, reason: string): void {
    if (!this.#isOver) this.#end(this.#clock.now, { kind: 'closed', code, reason });
  }

  #read(packet: ReceivedControl): string | undefined {
    this.#packet = packet;
    this.#wasRefused = false;
    return this.#reader.read(packet.frames, this);
  }

  #notePath(now: number, { path, number }: ReceivedRun | ReceivedControl, bytes: number): void {
    if (this.#isOver) this.#straggler = { path, bytes };
    else if (path === this.#sender.path.id) this.#candidates.drop(path);
    else this.#candidates.handlePacket(now, path, bytes, number > this.#acknowledger.largest);
  }

  #pollPaths(now: number): Transmit | undefined {
    const answer = this.#candidates.pollAnswer(pathPacketBytes);
    if (answer !== undefined)
      return this.#sender.pollApart(answer.path, (writer) => writer.pathResponse(answer.token));
    const challenge = this.#candidates.pollChallenge(now, pathPacketBytes);
    if (challenge === undefined) return undefined;
    return this.#sender.pollApart(challenge.path, (writer) => writer.pathChallenge(challenge.token));
  }

  #pollLast(now: number): Transmit | undefined {
    if (!this.#isLastDue) return undefined;
    this.#isLastDue = false;
    const { path, bytes } = this.#straggler;
    return this.#sender.pollLast(now, path, path === this.#sender.path.id ? Infinity : 3 * bytes, this.#last);
  }

  #violate(now: number, reason: string): void {
    if (this.#isOver) return;
    this.#last = { code: closeCode.violation, reason };
    this.#isLastDue = true;
    this.#straggler.path = this.#sender.path.id;
    this.#end(now, { kind: 'violation', reason });
  }

  #end(now: number, end: CoreEnd): void {
    if (this.#isOver) return;
    if (end.kind === 'finished') this.#last = this.#closing;
    this.#stop();
    // Stragglers are answered for a while.
    if (end.kind !== 'silent') this.#lingerEndsAt = now + lingerTimeouts * this.#sender.probeTimeoutMs;
    this.#options.user.handleEnd(end);
  }

  /** Lets go of all that is held. */
  #stop(): void {
    this.#isOver = true;
    this.#receiver.streams.forgetAll();
    this.#sender.stop();
  }
}
