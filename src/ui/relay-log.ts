import type { XferEvent } from '../app/events.js';
import type { HopView, RelayObserver, StreamEnd } from '../relay/observer.js';
import type { RefusalReason } from '../relay/refusal-reason.js';
import { LogSampler } from './log-sampler.js';
import type { LogLevel, LogSink } from './log-sink.js';
import type { View } from './view.js';

/** Refusals of one reason: some at once, then one in ten seconds. */
const refusalBurst = 5;
const refusalIntervalMs = 10_000;
/** Connections, which cost strangers more: a hundred at once, then one a second. */
const connectionBurst = 100;
const connectionIntervalMs = 1_000;

/**
 * What happens at a relay, for its log: who came, from where, and what became of it. Nothing of content, of rooms or of
 * where streams go. Streams are told of at `debug`, all of them.
 */
export class RelayLog implements RelayObserver, View {
  readonly #sink: LogSink;
  readonly #now: () => number;
  readonly #refusals = new LogSampler(refusalBurst, refusalIntervalMs);
  readonly #connections = new LogSampler(connectionBurst, connectionIntervalMs);

  /** `now` is for tests. */
  constructor(sink: LogSink, now: () => number = () => performance.now()) {
    this.#sink = sink;
    this.#now = now;
  }

  onEvent(event: XferEvent): void {
    if (event.event === 'listening') {
      const { addresses, metrics, fingerprint } = event;
      this.#sink.write('info', 'listening', { addresses, metrics, fingerprint });
    } else if (event.event === 'note') this.#sink.write('info', event.message, {});
    else if (event.event === 'error')
      this.#sink.write('error', event.message, { code: event.code, remedy: event.remedy });
  }

  suspended<Result>(work: () => Promise<Result>): Promise<Result> {
    return work();
  }

  /** Tells of what was left out. */
  async close(): Promise<void> {
    for (const [reason, suppressed] of this.#refusals.leftOut())
      this.#sink.write('warn', 'refused', { reason, suppressed });
    for (const [message, suppressed] of this.#connections.leftOut())
      this.#sink.write('info', message, { suppressed });
    await this.#sink.close();
  }

  onConnect({ id, source, transport }: HopView): void {
    this.#connection('info', 'connected', { connection: id, source, transport });
  }

  onIdentify({ id, peer, source }: HopView, handshakeMs: number): void {
    const fields = {
      connection: id,
      peer: peer.name,
      trust: peer.trust,
      source,
      handshakeMs: rounded(handshakeMs),
    };
    this.#connection('info', 'identified', fields);
  }

  onDisconnect({ id, source, connectedAt, bytesFrom, bytesTo }: HopView, error: Error | undefined): void {
    const seconds = rounded((this.#now() - connectedAt) / 1000);
    const why = error && 'code' in error ? { code: error.code } : {};
    this.#connection('info', 'disconnected', { connection: id, source, seconds, bytesFrom, bytesTo, ...why });
  }

  onRefuse(reason: RefusalReason, source: string): void {
    const suppressed = this.#refusals.take(reason, this.#now());
    if (suppressed === undefined) return;
    this.#sink.write('warn', 'refused', { reason, source, ...(suppressed > 0 ? { suppressed } : {}) });
  }

  onOpened({ id }: HopView, latencyMs: number): void {
    this.#sink.write('debug', 'stream opened', { connection: id, latencyMs: rounded(latencyMs) });
  }

  onStreamEnd({ id }: HopView, end: StreamEnd): void {
    this.#sink.write('debug', 'stream ended', { connection: id, end });
  }

  onShadow(isSame: boolean): void {
    if (!isSame) this.#connection('warn', 'shadow mode found a difference', {});
  }

  #connection(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void {
    const suppressed = this.#connections.take(message, this.#now());
    if (suppressed === undefined) return;
    this.#sink.write(level, message, { ...fields, ...(suppressed > 0 ? { suppressed } : {}) });
  }
}

/** Three digits behind the point: microseconds of milliseconds, milliseconds of seconds. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000;
