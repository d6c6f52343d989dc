import type { ContentLimit, Retain } from 'xfer/plugin';
import { Lender } from './lender.js';

/** Whom an inbox gives what it has put in order. */
export interface InboxUser {
  control(bytes: Uint8Array): void;
  content(streamId: number, bytes: Uint8Array, fin: boolean, retain?: Retain): void;
  limitOf(streamId: number): ContentLimit;
}

/** What came of a stream before what belongs in front of it, and how far it has come. */
interface Incoming {
  next: number;
  readonly pieces: Map<number, { readonly bytes: Uint8Array; readonly fin: boolean }>;
}

/** The receiving half of a link that carries streams by itself: parcels in any order in, streams in order out. */
export class StreamsInbox {
  readonly #user: InboxUser;
  #controlGiven = 0;
  readonly #controlAhead = new Map<number, Uint8Array>();
  readonly #incoming = new Map<number, Incoming>();
  readonly #lender: Lender;
  #over = false;

  /** `mostRetained`: so many pieces of content may be kept at once. Default: none, and there is no `retain`. */
  constructor(user: InboxUser, mostRetained = 0) {
    this.#user = user;
    this.#lender = new Lender(mostRetained);
  }

  /** Pieces that are kept. */
  get retained(): number {
    return this.#lender.kept;
  }

  /** Streams of which anything is kept. */
  get streams(): number {
    return this.#incoming.size;
  }

  /** The parcel of control with this number. */
  handleControl(at: number, bytes: Uint8Array): void {
    this.#controlAhead.set(at, bytes);
    for (let next; (next = this.#controlAhead.get(this.#controlGiven)) && !this.#over;) {
      this.#controlAhead.delete(this.#controlGiven++);
      this.#user.control(next);
    }
  }

  /** Throws where the sender went past what it was granted. */
  handleContent(streamId: number, offset: number, bytes: Uint8Array, fin: boolean): void {
    const limit = this.#user.limitOf(streamId);
    if (limit === 'over' || this.#over) return;
    if (typeof limit === 'number' && offset + bytes.length > limit)
      throw new Error(`stream ${streamId} past its limit of ${limit}: ${offset} + ${bytes.length}`);
    const incoming = this.#incoming.get(streamId) ?? { next: 0, pieces: new Map() };
    this.#incoming.set(streamId, incoming);
    incoming.pieces.set(placeOf(offset, fin), { bytes, fin });
    if (limit !== 'unopened') this.opened(streamId);
  }

  opened(streamId: number): void {
    const incoming = this.#incoming.get(streamId);
    while (incoming && !this.#over && this.#incoming.get(streamId) === incoming) {
      const { next, pieces } = incoming;
      const at = pieces.has(next) ? next : placeOf(next, true);
      const piece = pieces.get(at);
      if (!piece) return;
      pieces.delete(at);
      incoming.next += piece.bytes.length;
      if (this.#user.limitOf(streamId) === 'over') return this.forget(streamId);
      this.#lender.lend(piece.bytes, (bytes, retain) =>
        this.#user.content(streamId, bytes, piece.fin, retain),
      );
    }
  }

  forget(streamId: number): void {
    this.#incoming.delete(streamId);
  }

  /** Gives nothing out any more. */
  end(): void {
    this.#over = true;
  }
}

/** The end has a place of its own behind what has the same offset: it may have no content. */
function placeOf(offset: number, fin: boolean): number {
  return fin ? offset + 0.5 : offset;
}
