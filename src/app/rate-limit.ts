import { readFile } from 'node:fs/promises';
import { formatRate, parseRate } from '../config/quantity.js';
import { asXferError, fileError, XferError } from '../errors/index.js';

/** One press of a key changes the rate by so much. */
const step = 1.25;
const leastRate = 1024;
/** What is sent is measured over so long. */
const measureMs = 500;

/** How fast to send, which may change while it is done. */
export class RateLimit {
  readonly #listeners = new Set<() => void>();
  #bytesPerSecond: number | undefined;
  #measured = 0;
  #sent = 0;
  #sentAt = 0;

  constructor(bytesPerSecond?: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Undefined: as fast as it goes. */
  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  set(bytesPerSecond: number | undefined): void {
    this.#bytesPerSecond = bytesPerSecond;
    for (const listener of this.#listeners) listener();
  }

  /** A quarter faster; from no limit there is nothing faster. */
  raise(): void {
    if (this.#bytesPerSecond !== undefined) this.set(this.#bytesPerSecond * step);
  }

  /** A quarter slower than now: than the limit, or than what was measured where there is none. */
  lower(): void {
    const now = this.#bytesPerSecond ?? this.#measured;
    if (now > 0) this.set(Math.min(now, Math.max(leastRate, now / step)));
  }

  /** So much was sent in all, at this time in milliseconds. */
  handleSent(bytes: number, now: number): void {
    const elapsedMs = now - this.#sentAt;
    if (elapsedMs < measureMs) return;
    this.#measured = (Math.max(0, bytes - this.#sent) / elapsedMs) * 1000;
    this.#sent = bytes;
    this.#sentAt = now;
  }

  /** Calls back at every change, until what it returns is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  toString(): string {
    return this.#bytesPerSecond === undefined ? 'no limit' : `limit ${formatRate(this.#bytesPerSecond)}`;
  }
}

/**
 * `400MB/s`, or `@FILE`: a file with a rate in it, or nothing for no limit. Rejects with ERR_XFER_USAGE or the error of the
 * file.
 */
export async function readRateLimit(text: string): Promise<RateLimit> {
  if (!text.startsWith('@')) return new RateLimit(positive(parseRate(text)));
  return new RateLimit(await rateIn(text.slice(1)));
}

/** Reads `@FILE` again; what is wrong with it is told, and the limit stays as it is. */
export async function rereadRateLimit(text: string, limit: RateLimit): Promise<XferError | undefined> {
  if (!text.startsWith('@')) return undefined;
  try {
    limit.set(await rateIn(text.slice(1)));
    return undefined;
  } catch (error) {
    return asXferError(error);
  }
}

async function rateIn(path: string): Promise<number | undefined> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw fileError(cause, `cannot read the limit in ${path}`);
  }
  return text === '' ? undefined : positive(parseRate(text.slice(0, 64)));
}

function positive(rate: number): number {
  if (rate > 0) return rate;
  throw new XferError('ERR_XFER_USAGE', 'a limit of 0 would send nothing', {
    remedy: 'leave --limit out for no limit',
  });
}
