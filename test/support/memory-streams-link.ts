import type { Content, ContentLimit, Retain, StreamsLink, StreamsLinkStats } from 'xfer/plugin';
import { FuzzRandom } from './fuzz-random.js';
import { StreamsInbox } from './streams-inbox.js';

const nothing = (): undefined => undefined;

/** What a test may do to one direction. */
export interface MemoryStreamsHooks {
  /** While true nothing leaves this side. */
  held?: boolean;
  /** Changes control on its way. */
  tamper?: (control: Uint8Array) => Uint8Array;
}

export interface MemoryStreamsOptions {
  readonly seed: number;
  /** Pulled in one turn of the loop, and at once. Defaults: 256 KiB, 64 KiB. */
  readonly bytesPerTurn?: number;
  readonly pullBytes?: number;
  /** What is pulled arrives up to so many turns later than it could. Default: 2. */
  readonly delayTurns?: number;
  /** Sends of so many bytes and more are pulled by themselves. Default: none is. */
  readonly aloneBytes?: number;
  /** So many pieces of content may be kept by who reads them, see `StreamsInbox`. */
  readonly mostRetained?: number;
}

/** A part of one direction, on its way. */
type Parcel = { readonly dueTurn: number } & (
  | { readonly control: Uint8Array; readonly at: number; readonly content?: undefined }
  | { readonly content: Content }
);

/**
 * An in-memory link that carries streams by themselves: parcels of control and content arrive in later turns of the
 * loop, each after a delay of its own, so that all but what belongs to one stream overtakes each other. A parcel of
 * content is read and done when it arrives.
 */
export class MemoryStreamsLink implements StreamsLink {
  readonly hooks: MemoryStreamsHooks;
  readonly inbox: StreamsInbox;
  readonly #options: Required<Omit<MemoryStreamsOptions, 'aloneBytes' | 'mostRetained'>>;
  readonly #aloneBytes: number | undefined;
  readonly #random: FuzzRandom;
  #peer: MemoryStreamsLink | undefined;
  #pullControl: (maxBytes: number) => Uint8Array | undefined = nothing;
  #pullContent: (maxBytes: number, aloneBytes?: number) => Content | undefined = nothing;
  #onControl: (bytes: Uint8Array) => void = nothing;
  #onContent: (streamId: number, bytes: Uint8Array, fin: boolean, retain?: Retain) => void = nothing;
  #onLimit: (streamId: number) => ContentLimit = () => 'over';
  #onEnd: () => void = nothing;
  #onError: (error: Error) => void = nothing;
  #turn = 0;
  #scheduled = false;
  #parcels: Parcel[] = [];
  #controlSent = 0;
  #ending = false;
  #over = false;

  constructor(options: MemoryStreamsOptions, hooks: MemoryStreamsHooks = {}) {
    this.hooks = hooks;
    this.#options = { bytesPerTurn: 256 * 1024, pullBytes: 64 * 1024, delayTurns: 2, ...options };
    this.#aloneBytes = options.aloneBytes;
    this.#random = new FuzzRandom(options.seed);
    const user = {
      control: (bytes: Uint8Array) => this.#onControl(bytes),
      content: (id: number, bytes: Uint8Array, fin: boolean, retain?: Retain) =>
        this.#onContent(id, bytes, fin, retain),
      limitOf: (id: number) => this.#onLimit(id),
    };
    this.inbox = new StreamsInbox(user, options.mostRetained);
  }

  /** Two ends of one link. */
  static pair(
    options: MemoryStreamsOptions,
    a: MemoryStreamsHooks = {},
    b: MemoryStreamsHooks = {},
  ): [MemoryStreamsLink, MemoryStreamsLink] {
    const left = new MemoryStreamsLink(options, a);
    const right = new MemoryStreamsLink({ ...options, seed: options.seed + 1 }, b);
    left.#peer = right;
    right.#peer = left;
    return [left, right];
  }

  ready(): void {
    if (this.#scheduled || this.#over) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#handleTurn();
    });
  }

  onPullControl(handler: (maxBytes: number) => Uint8Array | undefined): void {
    this.#pullControl = handler;
  }

  onPullContent(handler: (maxBytes: number, aloneBytes?: number) => Content | undefined): void {
    this.#pullContent = handler;
  }

  onControl(handler: (bytes: Uint8Array) => void): void {
    this.#onControl = handler;
  }

  onContent(handler: (streamId: number, bytes: Uint8Array, fin: boolean, retain?: Retain) => void): void {
    this.#onContent = handler;
  }

  onLimit(handler: (streamId: number) => ContentLimit): void {
    this.#onLimit = handler;
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onError(handler: (error: Error) => void): void {
    this.#onError = handler;
  }

  forget(streamId: number): void {
    this.inbox.forget(streamId);
    const isGone = ({ content }: Parcel): boolean => content?.streamId === streamId;
    finishLater(this.#parcels.filter(isGone));
    this.#parcels = this.#parcels.filter((parcel) => !isGone(parcel));
  }

  opened(streamId: number): void {
    this.inbox.opened(streamId);
  }

  close(): void {
    this.#ending = true;
    this.ready();
  }

  abort(): void {
    if (this.#over) return;
    this.#drop();
    setImmediate(() => this.#peer?.break(new Error('the other end aborted')));
  }

  stats(): StreamsLinkStats {
    let inFlightBytes = 0;
    for (const { content } of this.#parcels) inFlightBytes += content?.bytes ?? 0;
    return { minRttMs: 1, rttMs: 2, lost: 3, inFlightBytes, unsentBytes: 5, deliveryRate: 4 };
  }

  end(): void {
    if (!this.#over) this.#onEnd();
  }

  /** The link breaks under this side. */
  break(error: Error): void {
    if (this.#over) return;
    this.#drop();
    this.#onError(error);
  }

  /** Lets go what `hooks.held` held. */
  release(): void {
    this.hooks.held = false;
    this.ready();
  }

  #handleTurn(): void {
    if (this.#over || this.hooks.held) return;
    this.#turn++;
    const pulled = this.#pull();
    this.#deliverDue();
    if (this.#parcels.length > 0 || pulled) this.ready();
    else this.#tellEnd();
  }

  #tellEnd(): void {
    if (!this.#ending || this.#over) return;
    this.#ending = false;
    this.#peer?.end();
  }

  /** Whether there was anything. */
  #pull(): boolean {
    const { bytesPerTurn, pullBytes, delayTurns } = this.#options;
    for (let left = bytesPerTurn; left > 0;) {
      const dueTurn = this.#turn + this.#random.below(delayTurns + 1);
      const most = Math.min(left, pullBytes);
      const control = this.#pullControl(most);
      const content = control ? undefined : this.#pullContent(most, this.#aloneBytes);
      if (control) this.#parcels.push({ dueTurn, control, at: this.#controlSent++ });
      else if (content) this.#parcels.push({ dueTurn, content });
      else return left < bytesPerTurn;
      left -= control?.length ?? content?.bytes ?? 0;
    }
    return true;
  }

  /** One after the other, in any order; each may be forgotten while another is given out. */
  #deliverDue(): void {
    for (;;) {
      const due = this.#parcels.filter(({ dueTurn }) => dueTurn <= this.#turn);
      if (due.length === 0) return;
      const parcel = this.#random.pick(due);
      this.#parcels = this.#parcels.filter((other) => other !== parcel);
      this.#deliver(parcel);
    }
  }

  #deliver(parcel: Parcel): void {
    const inbox = this.#peer?.inbox;
    if (!parcel.content)
      return inbox?.handleControl(parcel.at, this.hooks.tamper?.(parcel.control) ?? parcel.control);
    const { streamId, offset, fin, chunks } = parcel.content;
    inbox?.handleContent(streamId, offset, Buffer.concat(chunks), fin);
    parcel.content.done();
  }

  #drop(): void {
    this.#over = true;
    this.inbox.end();
    finishLater(this.#parcels);
    this.#parcels = [];
  }
}

function finishLater(parcels: readonly Parcel[]): void {
  setImmediate(() => {
    for (const { content } of parcels) content?.done();
  });
}
