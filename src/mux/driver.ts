import { transportDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { Address } from '../transport/address.js';
import {
  maxMessageBytes,
  openErrorCode,
  resetCode,
  type CloseReason,
  type Connection,
  type ConnectionCapabilities,
  type ConnectionStats,
  type OpenStreamOptions,
  type Stream,
  type TransportMemory,
} from '../transport/contract.js';
import { configOf, isStreamsLink, type MuxConnectionOptions } from './connection-options.js';
import type { CoreStream } from './core-stream.js';
import { MuxCore } from './core.js';
import { DeadStream } from './dead-stream.js';
import type { MuxFault } from './frame.js';
import type { LinkPort, PortUser } from './link-port.js';
import { MuxStream } from './mux-stream.js';
import { OrderedPort } from './ordered-port.js';
import { StreamsPort } from './streams-port.js';

/** Joins the mux core to a link and to the clock: the `Connection` of every transport that has one of the two kinds of link. */
export class MuxConnection implements Connection {
  readonly capabilities: ConnectionCapabilities;
  readonly local: Address;
  readonly remote: Address;
  readonly memory?: TransportMemory;
  readonly closed: Promise<CloseReason>;
  /** With the other side's hello. */
  readonly answered: Promise<boolean>;
  readonly #port: LinkPort;
  readonly #core: MuxCore;
  #settle: (reason: CloseReason) => void = () => undefined;
  #settleAnswered: ((answered: boolean) => void) | undefined;
  #onStream: ((stream: Stream, header: Uint8Array) => void) | undefined;
  #onMessage: ((bytes: Uint8Array) => void) | undefined;
  readonly #onSuspect: ((suspect: boolean) => void)[] = [];
  #suspect = false;
  #flushWanted = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #closing: 'no' | 'drain' | 'link' = 'no';
  /** What to settle with once the link has ended. */
  #reason: CloseReason = { by: 'local', clean: true };
  #deadline: NodeJS.Timeout | undefined;
  #done = false;

  constructor(options: MuxConnectionOptions) {
    const { link } = options;
    const carriesStreams = isStreamsLink(link);
    const config = configOf(options);
    const budget = options.budget ?? options.limits?.budget;
    this.local = options.local;
    this.remote = options.remote;
    if (options.memory) this.memory = options.memory;
    this.capabilities = Object.freeze({
      streams: carriesStreams ? 'native' : 'muxed',
      ordered: true,
      encrypted: options.encrypted ?? false,
      maxStreams: config.maxStreamsPerPeer,
      zeroCopy: options.memory !== undefined,
      ...(options.isFabric ? { isFabric: true } : {}),
    });
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.answered = new Promise((resolve) => {
      this.#settleAnswered = resolve;
    });
    this.#core = new MuxCore({
      dialer: options.role === 'dialer',
      config,
      ...(budget ? { budget } : {}),
      events: {
        stream: (stream) => this.#handleStream(stream),
        output: () => this.#wantFlush(),
        message: (bytes) => this.#onMessage?.(bytes),
        left: (id) => this.#port.forget(id),
      },
      now: performance.now(),
      contentBeside: carriesStreams,
      ...(carriesStreams ? { minRttMs: () => link.stats().minRttMs || this.#core.liveness.minRttMs } : {}),
    });
    this.#port = carriesStreams
      ? new StreamsPort(link, this.#core, this.#portUser())
      : new OrderedPort(link, this.#core, this.#portUser());
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
    return {
      ...this.#port.stats(),
      bytesSent: core.bytesSent,
      bytesReceived: core.bytesReceived,
      streams: core.streams,
      get frames() {
        return core.frames;
      },
    };
  }

  #portUser(): PortUser {
    return {
      handleHeard: (fault) => this.#handleHeard(fault),
      handleWritable: () => this.#flush(),
      wantFlush: () => this.#wantFlush(),
      handleEnd: () => this.#handleEnd(),
      handleError: (error) => this.#handleError(error),
    };
  }

  #handleStream(coreStream: CoreStream): void {
    this.#giveStream(coreStream);
    this.#port.opened(coreStream.id);
  }

  #giveStream(coreStream: CoreStream): void {
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

  #handleHeard(fault: MuxFault | undefined): void {
    if (this.#done) return;
    if (this.#settleAnswered && this.#core.helloReceived) this.#tellAnswered(true);
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
    this.#port.close();
  }

  #handleError(error: Error): void {
    this.#finish(
      this.#reason.clean ? { by: 'remote', clean: false, error } : this.#reason,
      resetCode.internal,
    );
  }

  #handleEnd(): void {
    if (this.#done) return;
    if (this.#closing === 'link') return this.#finish(this.#reason, resetCode.cancelled, false);
    if (this.#core.theyDrain && this.#core.streams === 0) {
      this.#port.close();
      // Nothing is owed any more: a link that cannot even deliver its end is dropped.
      setTimeout(() => this.#port.abort(), transportDefaults.closeTimeoutMs).unref();
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
    if (abortLink) this.#port.abort();
    this.#settle(reason);
    this.#tellAnswered(false);
    this.#core.end(code);
  }

  #tellAnswered(answered: boolean): void {
    this.#settleAnswered?.(answered);
    this.#settleAnswered = undefined;
  }

  #setSuspect(suspect: boolean): void {
    this.#suspect = suspect;
    for (const handler of this.#onSuspect) handler(suspect);
  }

  /** Gathers what one turn of the caller's code sends. */
  #wantFlush(): void {
    if (this.#flushWanted || this.#done) return;
    this.#flushWanted = true;
    process.nextTick(() => {
      this.#flushWanted = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#done) return;
    if (this.#closing !== 'link') this.#port.flush();
    if (this.#closing === 'drain' && this.#core.streams === 0 && this.#port.settled) {
      this.#closing = 'link';
      this.#port.close();
    }
    this.#arm();
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
