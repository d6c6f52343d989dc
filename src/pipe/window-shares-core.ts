import { pipeDefaults } from '../config/pipe.js';

const { firstCreditBytes, maxChannels, maxSessionWindowBytes } = pipeDefaults;
/** Channels that there shall always be room for, beside twice as many as there are. */
const spareChannels = 64;

/**
 * How much content the other side may send into each channel before it is used up here, so that all together keep to a bound:
 * a sans-IO core. A session's first channel, which most have alone, has its whole window at once; the others begin small and
 * double theirs each time they have used it, so that a thousand idle ones take little.
 */
export class WindowSharesCore {
  readonly #windowBytes: number;
  readonly #mostBytes: number;
  #count = 0;
  #promised = 0;

  /** `windowBytes`: the most that one channel gets. */
  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
    this.#mostBytes = Math.max(maxSessionWindowBytes, windowBytes);
  }

  /** What may come and what has come and is not used up, in all channels; the least that one may have is kept for each. */
  get promisedBytes(): number {
    return this.#promised;
  }

  /** What one of so many channels has at most. */
  get shareBytes(): number {
    const share = this.#growableBytes / Math.max(1, this.#count);
    return Math.floor(Math.max(firstCreditBytes, Math.min(this.#windowBytes, share)));
  }

  /** A window for another channel; undefined where there is no room for one. */
  add(): ChannelWindowCore | undefined {
    if (this.#count >= maxChannels || this.#promised + firstCreditBytes > this.#mostBytes) return undefined;
    this.#count++;
    this.#promised += firstCreditBytes;
    return new ChannelWindowCore(this, this.#count === 1 ? this.shareBytes : firstCreditBytes);
  }

  /** So much of `bytes` more may be promised. */
  promise(bytes: number): number {
    const granted = Math.max(0, Math.min(bytes, this.#growableBytes - this.#promised));
    this.#promised += granted;
    return granted;
  }

  handleUsed(bytes: number): void {
    this.#promised -= bytes;
  }

  remove(bytes: number): void {
    this.#count--;
    this.#promised -= bytes;
  }

  /** For windows that are larger than the least. */
  get #growableBytes(): number {
    const spare = Math.min(maxChannels, 2 * this.#count + spareChannels) - this.#count;
    return this.#mostBytes - spare * firstCreditBytes;
  }
}

/** One channel's: up to which offset content may come. */
export class ChannelWindowCore {
  readonly #shares: WindowSharesCore;
  #wantedBytes: number;
  #limit: number = firstCreditBytes;
  #told: number = firstCreditBytes;
  #used = 0;
  #isClosed = false;

  constructor(shares: WindowSharesCore, wantedBytes: number) {
    this.#shares = shares;
    this.#wantedBytes = wantedBytes;
  }

  /** Content may come up to here: what the other side was told. */
  get limit(): number {
    return this.#limit;
  }

  get windowBytes(): number {
    return Math.min(this.#wantedBytes, this.#shares.shareBytes);
  }

  /** So much more is used up, and takes no memory any more. */
  handleUsed(bytes: number): void {
    if (this.#isClosed) return this.#shares.handleUsed(bytes);
    const before = this.#promised;
    this.#used += bytes;
    this.#shares.handleUsed(before - this.#promised);
  }

  /**
   * The limit that the other side is to be told now: when a quarter of the window is free, or when it has sent up to the
   * limit (`reached`) and all of that is used up. Undefined where nothing is to be told.
   */
  pollCredit(reached: number): number | undefined {
    if (this.#isClosed) return undefined;
    const free = this.#used + this.windowBytes - this.#limit;
    const isStuck = reached === this.#limit && this.#used === reached;
    if (free <= 0 || (free < this.windowBytes / 4 && !isStuck)) return undefined;
    // All of it was used once since it was set: this reader is fast enough for more.
    if (this.#used >= this.#told)
      this.#wantedBytes = Math.min(2 * this.#wantedBytes, this.#shares.shareBytes);
    const wanted = this.#used + this.windowBytes - this.#limit;
    // What every channel has, whatever the others have, and what there is beside.
    const own = Math.max(0, Math.min(wanted, this.#used + firstCreditBytes - this.#limit));
    const granted = own + this.#shares.promise(wanted - own);
    if (granted <= 0) return undefined;
    if (this.#used >= this.#told) this.#told = this.#used + this.windowBytes;
    this.#limit += granted;
    return this.#limit;
  }

  /** Nothing more may come; `heldBytes` take memory until they are used up. */
  close(heldBytes: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#shares.remove(this.#promised - heldBytes);
  }

  get #promised(): number {
    return Math.max(firstCreditBytes, this.#limit - this.#used);
  }
}
