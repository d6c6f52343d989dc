import { measuringDefaults } from '../config/index.js';
import { openErrorCode, resetCode, type Stream } from './contract.js';
import { encodeReport, isMeasuringHeader, measuringByte } from './measuring.js';
import { MeasuringLimitCore, type MeasuringLimits } from './measuring-limit-core.js';

export interface MeasuringListenerOptions {
  /** Whether something more important is under way: then no content is taken. */
  isBusy(): boolean;
  /** Default: measuringDefaults. */
  readonly limits?: Partial<MeasuringLimits>;
}

const busy = Uint8Array.of(measuringByte.busy);

/**
 * Answers measuring streams, for whoever asks: sends pings back, and counts content, which it forgets at once. It sends
 * none itself, so nobody can have it send to a place of his choice, or use up what it may send.
 */
export class MeasuringListener {
  readonly #limit: MeasuringLimitCore;
  readonly #limits: MeasuringLimits;
  readonly #isBusy: () => boolean;

  constructor({ isBusy, limits }: MeasuringListenerOptions) {
    this.#isBusy = isBusy;
    this.#limits = { ...measuringDefaults, ...limits };
    this.#limit = new MeasuringLimitCore(this.#limits);
  }

  /**
   * Whether the stream is one to measure by; then it is accepted or refused. `source`: what it is counted under, such as
   * the address that it came from. `onBytes`: what it brings.
   */
  take(
    stream: Stream,
    header: Uint8Array,
    source: string,
    onBytes: (bytes: number) => void = () => undefined,
  ): boolean {
    if (!isMeasuringHeader(header)) return false;
    if (this.#limit.enter(performance.now(), source)) {
      stream.accept();
      new MeasuredStream(stream, this.#limit, this.#limits, this.#isBusy, onBytes);
      void stream.closed.then(() => this.#limit.leave(source));
    } else stream.refuse(openErrorCode.resourceLimit);
    return true;
  }
}

class MeasuredStream {
  readonly #stream: Stream;
  readonly #limit: MeasuringLimitCore;
  readonly #limits: MeasuringLimits;
  readonly #isBusy: () => boolean;
  #pings = 0;
  #beganAt: number | undefined;
  #bytes = 0;
  readonly #lifetime: NodeJS.Timeout;
  /** While content is taken. */
  #timers: NodeJS.Timeout[] = [];
  #isOver = false;

  constructor(
    stream: Stream,
    limit: MeasuringLimitCore,
    limits: MeasuringLimits,
    isBusy: () => boolean,
    onBytes: (bytes: number) => void,
  ) {
    this.#stream = stream;
    this.#limit = limit;
    this.#limits = limits;
    this.#isBusy = isBusy;
    this.#lifetime = setTimeout(() => stream.reset(resetCode.timeout), limits.lifetimeMs);
    stream.onData((bytes) => {
      onBytes(bytes.length);
      this.#handleData(bytes);
    });
    stream.onEnd(() => this.#end());
    void stream.closed.then(() => {
      clearTimeout(this.#lifetime);
      this.#stop();
    });
  }

  #handleData(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#beganAt !== undefined) return this.#handleContent(bytes.length);
    const other = bytes.findIndex((byte) => byte !== measuringByte.ping);
    const pings = other < 0 ? bytes.length : other;
    const isTooMany = (this.#pings += pings) > this.#limits.maxPings;
    if (isTooMany || (other >= 0 && bytes[other] !== measuringByte.content))
      return this.#stream.reset(resetCode.protocol);
    // As one answer, as they came: a packet each would be far more than they were.
    if (pings > 0) this.#stream.send(bytes.slice(0, pings));
    if (other >= 0) this.#begin(bytes.length - other - 1);
  }

  #begin(bytes: number): void {
    if (this.#isBusy() || !this.#limit.beginContent()) {
      this.#isOver = true;
      this.#stream.send(busy);
      return this.#finish();
    }
    this.#beganAt = performance.now();
    const { contentMs, reportMs } = this.#limits;
    this.#timers = [setTimeout(() => this.#end(), contentMs), setInterval(() => this.#report(), reportMs)];
    this.#handleContent(bytes);
  }

  #handleContent(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= this.#limits.maxContentBytes) this.#end();
  }

  #report(): void {
    const us = (performance.now() - (this.#beganAt ?? 0)) * 1000;
    this.#stream.send(encodeReport({ bytes: this.#bytes, us }));
  }

  /** With the time, the last byte that is taken, or FIN. */
  #end(): void {
    if (this.#isOver) return;
    if (this.#beganAt !== undefined) this.#report();
    this.#stop();
    this.#finish();
  }

  #finish(): void {
    this.#stream.closeWrite();
    this.#stream.stopReading(resetCode.cancelled);
  }

  #stop(): void {
    this.#isOver = true;
    if (this.#timers.length === 0) return;
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    this.#limit.endContent();
  }
}
