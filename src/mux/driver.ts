import { transportDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { Address } from '../transport/address.js';
import {
  maxMessageBytes,
  openErrorCode,
  resetCode,
  type CloseReason,
  type Connection,
  type ConnectionBudget,
  type ConnectionCapabilities,
  type ConnectionLimits,
  type ConnectionStats,
  type OpenStreamOptions,
  type Stream,
} from '../transport/contract.js';
import type { Batch } from './batch.js';
import { muxConfig, type MuxConfig } from './config.js';
import type { CoreStream } from './core-stream.js';
import { MuxCore } from './core.js';
import { DeadStream } from './dead-stream.js';
import type { MuxFault } from './frame.js';
import type { OrderedLink } from './link.js';
import { MuxStream } from './mux-stream.js';

export interface MuxConnectionOptions {
  readonly link: OrderedLink;
  /** Who dialled: opens the odd ids. */
  readonly role: 'dialer' | 'listener';
  readonly local: Address;
  readonly remote: Address;
  /** Whether the link encrypts by itself. Default: false. */
  readonly encrypted?: boolean;
  /** In place of `muxDefaults`. */
  readonly config?: Partial<MuxConfig>;
  /** What the caller of `listen` or `dial` wants, before `config`. */
  readonly limits?: ConnectionLimits;
  /** Default: that of `limits`, else the process's. */
  readonly budget?: ConnectionBudget;
}

/** Milliseconds of link time that may wait in the link; past it control would come too late. */
const linkQueueMs = 10;
const leastLinkQueueBytes = 128 * 1024;

/** Joins the mux core to an ordered link and to the clock: the `Connection` of every transport that is one byte link. */
export class MuxConnection implements Connection {
  readonly capabilities: ConnectionCapabilities;
  readonly local: Address;
  readonly remote: Address;
  readonly closed: Promise<CloseReason>;
  readonly #link: OrderedLink;
  readonly #core: MuxCore;
  #settle: (reason: CloseReason) => void = () => undefined;
  #onStream: ((stream: Stream, header: Uint8Array) => void) | undefined;
  #onMessage: ((bytes: Uint8Array) => void) | undefined;
  readonly #onSuspect: ((suspect: boolean) => void)[] = [];
  #suspect = false;
  #linkFull = false;
  #flushing = false;
  #flushWanted = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #closing: 'no' | 'drain' | 'link' = 'no';
  /** What to settle with once the link has ended. */
  #reason: CloseReason = { by: 'local', clean: true };
  #deadline: NodeJS.Timeout | undefined;
  #done = false;

  constructor(options: MuxConnectionOptions) {
    const config = muxConfig({ ...configOf(options.limits ?? {}), ...options.config });
    const budget = options.budget ?? options.limits?.budget;
    this.#link = options.link;
    this.local = options.local;
    this.remote = options.remote;
    this.capabilities = Object.freeze({
      streams: 'muxed',
      ordered: true,
      encrypted: options.encrypted ?? false,
      maxStreams: config.maxStreamsPerPeer,
      zeroCopy: false,
    });
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#core = new MuxCore({
      dialer: options.role === 'dialer',
      config,
      ...(budget ? { budget } : {}),
      events: {
        stream: (stream) => this.#handleStream(stream),
        output: () => this.#wantFlush(),
        message: (bytes) => this.#onMessage?.(bytes),
      },
      now: performance.now(),
    });
    this.#link.onData((bytes) => this.#handleData(bytes));
    this.#link.onPlace?.(() => (this.#done ? undefined : this.#core.place()));
    this.#link.onWritable(() => {
      this.#linkFull = false;
      this.#flush();
    });
    this.#link.onEnd(() => this.#handleEnd());
    this.#link.onError((error) => {
      this.#finish(
        this.#reason.clean ? { by: 'remote', clean: false, error } : this.#reason,
        resetCode.internal,
      );
    });
    this.#wantFlush();
  }

  openStream(options: OpenStreamOptions = {}): Stream {
    const header = options.header ?? new Uint8Array(0);
    if (header.length > this.#core.config.maxHeaderBytes)
      throw new XferError('ERR_XFER_USAGE', `an opening header of ${header.length} bytes is too long`);
    const opened = this.#core.open(performance.now(), header, options.priority ?? 0);
    const owner = options.owner ?? this;
    return 'refused' in opened
      ? new DeadStream(owner, opened.refused)
      : new MuxStream(owner, this.#core, opened);
  }

  onStream(handler: (stream: Stream, header: Uint8Array) => void): void {
    this.#onStream = handler;
  }

  drain(): void {
    this.#core.drain();
  }

  async close(): Promise<void> {
    if (this.#closing === 'no' && !this.#done) {
      this.#closing = 'drain';
      this.#core.drain();
      this.#deadline = setTimeout(() => this.#closeLate(), transportDefaults.closeTimeoutMs);
      this.#flush();
    }
    await this.closed;
  }

  abort(error: Error): void {
    this.#finish({ by: 'local', clean: false, error }, resetCode.cancelled);
  }

  onSuspect(handler: (suspect: boolean) => void): void {
    this.#onSuspect.push(handler);
  }

  sendMessage(bytes: Uint8Array): void {
    if (bytes.length < 1 || bytes.length > maxMessageBytes)
      throw new XferError('ERR_XFER_USAGE', `a message of ${bytes.length} bytes`);
    this.#core.sendMessage(bytes);
  }

  onMessage(handler: (bytes: Uint8Array) => void): void {
    this.#onMessage = handler;
  }

  onRoundTrip(handler: (ms: number) => void): void {
    this.#core.liveness.onRoundTrip = handler;
  }

  stats(): ConnectionStats {
    const core = this.#core;
    const { liveness, rate } = core;
    return {
      minRttMs: liveness.minRttMs,
      rttMs: liveness.rttMs,
      lost: 0,
      inFlightBytes: 0,
      unsentBytes: this.#core.queuedBytes + this.#link.unsentBytes,
      deliveryRate: rate.bytesPerSecond,
      bytesSent: this.#core.bytesSent,
      bytesReceived: this.#core.bytesReceived,
      streams: this.#core.streams,
      get frames() {
        return core.frames;
      },
    };
  }

  #handleStream(coreStream: CoreStream): void {
    const stream = new MuxStream(this, this.#core, coreStream);
    if (!this.#onStream) return stream.refuse(openErrorCode.refused);
    try {
      this.#onStream(stream, coreStream.header);
    } catch (error) {
      stream.reset(resetCode.internal);
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #handleData(bytes: Uint8Array): void {
    if (this.#done) return;
    const fault = this.#core.handleData(performance.now(), bytes);
    if (this.#suspect) this.#setSuspect(false);
    if (fault) this.#handleFault(fault);
  }

  #handleFault(fault: MuxFault): void {
    const code =
      fault.kind === 'version'
        ? 'ERR_XFER_VERSION'
        : fault.kind === 'overload'
          ? 'ERR_XFER_LIMIT'
          : 'ERR_XFER_PROTOCOL';
    const error = new XferError(code, fault.reason);
    if (fault.kind !== 'version')
      return this.#finish({ by: 'local', clean: false, error }, resetCode.protocol);
    // The other side can only say which version is missing if it gets our hello.
    this.#flush();
    this.#core.end(resetCode.protocol);
    this.#closing = 'link';
    this.#reason = { by: 'local', clean: false, error };
    this.#deadline = setTimeout(() => this.#closeLate(), transportDefaults.closeTimeoutMs);
    this.#link.close();
  }

  #handleEnd(): void {
    if (this.#done) return;
    if (this.#closing === 'link') return this.#finish(this.#reason, resetCode.cancelled, false);
    if (this.#core.theyDrain && this.#core.streams === 0) {
      this.#link.close();
      // Nothing is owed any more: a link that cannot even deliver its end is dropped.
      setTimeout(() => this.#link.abort(), transportDefaults.closeTimeoutMs).unref();
      return this.#finish({ by: 'remote', clean: true }, resetCode.cancelled, false);
    }
    const error = new XferError('ERR_XFER_CONNECTION_LOST', 'the other side ended the connection');
    this.#finish({ by: 'remote', clean: false, error }, resetCode.internal);
  }

  #closeLate(): void {
    const error = new XferError('ERR_XFER_TIMEOUT', 'the connection did not close in time');
    this.#finish(
      this.#reason.clean ? { by: 'local', clean: false, error } : this.#reason,
      resetCode.cancelled,
    );
  }

  /** The one way out. */
  #finish(reason: CloseReason, code: number, abortLink = true): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    if (abortLink) this.#link.abort();
    this.#core.end(code);
    this.#settle(reason);
  }

  #setSuspect(suspect: boolean): void {
    this.#suspect = suspect;
    for (const handler of this.#onSuspect) handler(suspect);
  }

  /** Gathers what one turn of the caller's code sends. */
  #wantFlush(): void {
    if (this.#flushWanted || this.#done) return;
    this.#flushWanted = true;
    queueMicrotask(() => {
      this.#flushWanted = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    while (!this.#done && !this.#linkFull && this.#closing !== 'link') {
      const now = performance.now();
      const room = this.#linkQueueBytes() - this.#core.rate.inFlightBytes;
      const batch = room > 0 ? this.#core.poll(now, room) : undefined;
      if (!batch) break;
      this.#linkFull = !this.#link.write(batch.chunks, () => this.#handleWritten(batch));
    }
    this.#flushing = false;
    if (this.#done) return;
    if (this.#closing === 'drain' && this.#core.streams === 0 && this.#core.rate.inFlightBytes === 0)
      this.#closeLink();
    this.#arm();
  }

  #closeLink(): void {
    this.#closing = 'link';
    this.#link.close();
  }

  #handleWritten(batch: Batch): void {
    this.#core.handleWritten(performance.now(), batch);
    this.#wantFlush();
  }

  #linkQueueBytes(): number {
    const most = this.#core.config.maxLinkQueueBytes;
    const rate = this.#core.rate.bytesPerSecond;
    if (rate === 0) return most;
    return Math.min(most, Math.max(leastLinkQueueBytes, (rate * linkQueueMs) / 1000));
  }

  /** One timer, set anew only where it must ring earlier: later is found out when it rings. */
  #arm(): void {
    const next = this.#core.nextTimeout;
    if (next >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(() => this.#handleTimer(), Math.max(0, next - performance.now()) + 1);
  }

  #handleTimer(): void {
    this.#timerAt = Infinity;
    const outcome = this.#core.handleTimeout(performance.now());
    if (outcome === 'no hello' || outcome === 'dead') {
      const what = outcome === 'dead' ? 'the other side fell silent' : 'the other side did not say hello';
      const error = new XferError('ERR_XFER_TIMEOUT', what);
      return this.#finish({ by: 'local', clean: false, error }, resetCode.timeout);
    }
    if (outcome) return this.#handleFault(outcome);
    if (this.#core.liveness.suspect !== this.#suspect) this.#setSuspect(this.#core.liveness.suspect);
    this.#flush();
  }
}

function configOf(limits: ConnectionLimits): Partial<MuxConfig> {
  const { maxStreams, maxPendingOpens, earlyStreamBytes, maxWindowBytes, helloTimeoutMs } = limits;
  return {
    ...(maxStreams === undefined ? {} : { maxStreamsPerPeer: maxStreams }),
    ...(maxPendingOpens === undefined ? {} : { maxPendingOpens }),
    ...(earlyStreamBytes === undefined ? {} : { earlyStreamBytes }),
    ...(maxWindowBytes === undefined ? {} : { maxWindowBytes }),
    ...(helloTimeoutMs === undefined ? {} : { helloTimeoutMs }),
  };
}
