export type CompressMode = 'auto' | 'lz4' | 'off';

/** What a transfer has waited for so far, in milliseconds, and what it moves in a second. */
export interface CompressMeasure {
  readonly networkMs: number;
  readonly sealMs: number;
  readonly bytesPerSecond: number;
}

const tickMs = 500;
/** Where more than this arrives, compressing costs more time than it saves. */
const fastestBytesPerSecond = 250_000_000;
/** After the processor was what held things up, so long not again. */
const pauseMs = 5_000;
/** A record that did not shrink says that the next so many of its file will not either. */
const mostSkipped = 16;

/**
 * Whether content is worth compressing: a sans-IO core. In mode `auto` it is while the network is what the transfer
 * waits for, and until the processor is; of files, those whose samples shrink.
 */
export class CompressCore<Source extends object> {
  readonly #mode: CompressMode;
  #isOn: boolean;
  #tickAt = -Infinity;
  #pausedUntil = -Infinity;
  #before: CompressMeasure = { networkMs: 0, sealMs: 0, bytesPerSecond: 0 };
  /** Records of these that are not worth a try. */
  readonly #skip = new WeakMap<Source, number>();

  constructor(mode: CompressMode) {
    this.#mode = mode;
    this.#isOn = mode === 'lz4';
  }

  handle(measure: CompressMeasure, now: number): void {
    if (this.#mode !== 'auto' || now - this.#tickAt < tickMs) return;
    const passed = now - this.#tickAt;
    const networkMs = measure.networkMs - this.#before.networkMs;
    const sealMs = measure.sealMs - this.#before.sealMs;
    this.#tickAt = now;
    this.#before = measure;
    if (passed === Infinity) return;
    if (this.#isOn && sealMs > passed / 2) {
      this.#isOn = false;
      this.#pausedUntil = now + pauseMs;
    } else if (!this.#isOn && networkMs > passed / 2)
      this.#isOn = now >= this.#pausedUntil && measure.bytesPerSecond < fastestBytesPerSecond;
  }

  /** Whether the next record of this source is to be tried; to be called once a record. */
  wants(source: Source): boolean {
    if (!this.#isOn) return false;
    const skip = this.#skip.get(source) ?? 0;
    if (skip > 0) this.#skip.set(source, skip - 1);
    return skip === 0;
  }

  /** Whether a sample is to be tried before the whole. */
  get samples(): boolean {
    return this.#mode === 'auto';
  }

  /** Whether what was tried shrank. */
  handleTried(source: Source, shrank: boolean): void {
    if (!shrank && this.#mode === 'auto') this.#skip.set(source, mostSkipped);
  }
}
