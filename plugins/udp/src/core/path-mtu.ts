import { isDue } from './steady-clock.js';

/** UDP payloads that paths often have: tunnels, Ethernet, jumbo frames, loopback. */
const ladder = [1232, 1372, 1412, 1452, 1472, 4052, 8952, 16_332, 32_720, 65_507];
/** Tried before the others: most paths have it. */
const usualBytes = 1472;
const maxTries = 3;
/** The search between two sizes ends when what it can still bring is less than this, or this part of the size. */
const leastGainBytes = 16;
const leastGainShare = 1 / 32;
/** Losses of full-size packets, one behind the other with none of them arriving, that make a black hole (RFC 8899 §4.3). */
const blackHoleLosses = 3;
/** After a black hole the search begins again this many intervals later. */
const blackHoleIntervals = 50;

export interface PathMtuOptions {
  readonly now: number;
  readonly baseBytes: number;
  /** Largest size that is of use. At most `baseBytes`: nothing is probed. */
  readonly maxBytes: number;
  readonly intervalMs: number;
  readonly againMs: number;
}

/** Finds the largest datagram that a path carries, by probes that are no losses when they are lost (RFC 8899 in spirit). */
export class PathMtu {
  readonly #options: PathMtuOptions;
  #bytes: number;
  /** The least size that does not go, as far as is known. */
  #ceiling: number;
  readonly #tries = new Map<number, number>();
  #isProbing = false;
  /** The next size is too much for the path's rate: it is looked at when something else is sent. */
  #isWaiting = false;
  #at: number;
  /** Loss events of full-size packets since one arrived, and small packets that arrived since the first of them. */
  #fullLosses = 0;
  #smallArrived = false;

  constructor(options: PathMtuOptions) {
    this.#options = options;
    this.#bytes = options.baseBytes;
    this.#ceiling = options.maxBytes + 1;
    this.#at = options.maxBytes > options.baseBytes ? options.now : Infinity;
  }

  get datagramBytes(): number {
    return this.#bytes;
  }

  /** When `poll` wants to be called. */
  get at(): number {
    return this.#isProbing || this.#isWaiting ? Infinity : this.#at;
  }

  /** Whether `poll` may have a size. */
  isReady(now: number): boolean {
    return !this.#isProbing && isDue(this.#at, now);
  }

  /** A size to probe now, at most `affordableBytes`; undefined: none. */
  poll(now: number, affordableBytes: number): number | undefined {
    if (!this.isReady(now)) return undefined;
    this.#isWaiting = false;
    const size = this.#candidate(affordableBytes);
    if (size === undefined) {
      if (this.#candidate(Infinity) === undefined) this.#rest(now);
      else {
        this.#at = now + this.#options.intervalMs;
        this.#isWaiting = true;
      }
      return undefined;
    }
    this.#isProbing = true;
    return size;
  }

  /** A probe arrived. True: datagrams are larger from now on. */
  handleProbeAcked(now: number, bytes: number): boolean {
    this.#isProbing = false;
    this.#at = now;
    if (bytes <= this.#bytes || bytes >= this.#ceiling) return false;
    this.#bytes = bytes;
    return true;
  }

  handleProbeLost(now: number, bytes: number): void {
    this.#isProbing = false;
    this.#at = now + this.#options.intervalMs;
    const tries = (this.#tries.get(bytes) ?? 0) + 1;
    this.#tries.set(bytes, tries);
    if (tries < maxTries) return;
    this.#ceiling = Math.min(this.#ceiling, bytes);
    for (const size of this.#tries.keys()) if (size >= this.#ceiling) this.#tries.delete(size);
  }

  /** Datagrams of this size arrived. */
  handleArrived(bytes: number): void {
    if (bytes > this.#options.baseBytes) {
      this.#fullLosses = 0;
      this.#smallArrived = false;
    } else if (this.#fullLosses > 0) this.#smallArrived = true;
  }

  /** Datagrams of this size were lost. True: the path takes them no more, they are of base size from now on. */
  handleLost(now: number, bytes: number): boolean {
    if (bytes <= this.#options.baseBytes || this.#bytes === this.#options.baseBytes) return false;
    this.#fullLosses += 1;
    if (this.#fullLosses < blackHoleLosses || !this.#smallArrived) return false;
    this.#bytes = this.#options.baseBytes;
    this.#begin(now + blackHoleIntervals * this.#options.intervalMs);
    return true;
  }

  #begin(at: number): void {
    this.#ceiling = this.#options.maxBytes + 1;
    this.#tries.clear();
    this.#fullLosses = 0;
    this.#smallArrived = false;
    this.#isWaiting = false;
    this.#at = at;
  }

  #rest(now: number): void {
    this.#begin(now + this.#options.againMs);
    if (this.#bytes === this.#options.maxBytes) this.#at = Infinity;
  }

  /**
   * A size that was not tried yet and is below the least one that failed, the usual one before the largest; else the least
   * that failed, again; where the ladder has none left, the middle between what goes and what does not.
   */
  #candidate(affordableBytes: number): number | undefined {
    const sizes = this.#sizes().filter((size) => size <= affordableBytes);
    const failed = sizes.filter((size) => this.#tries.has(size));
    const fresh = sizes.filter((size) => !this.#tries.has(size) && size < (failed[0] ?? Infinity));
    if (fresh.includes(usualBytes) && failed.length === 0) return usualBytes;
    return fresh.at(-1) ?? failed[0];
  }

  /** All that are left, rising. */
  #sizes(): readonly number[] {
    const { maxBytes } = this.#options;
    const open = (size: number): boolean => size > this.#bytes && size < this.#ceiling;
    const sizes = ladder.filter(open);
    if (open(maxBytes) && !sizes.includes(maxBytes)) sizes.push(maxBytes);
    if (sizes.length > 0) return sizes;
    const gap = this.#ceiling - this.#bytes;
    if (gap <= Math.max(leastGainBytes, this.#bytes * leastGainShare)) return [];
    return [this.#bytes + Math.floor(gap / 2)];
  }
}
