import { muxDefaults, XferError, type ContentLimit } from 'xfer/plugin';

/** Whom it gives what has come. */
export interface IncomingUser {
  limitOf(streamId: number): ContentLimit;
  handleContent(streamId: number, bytes: Uint8Array, fin: boolean): void;
}

/** Content of one stream that came before its OPEN. */
interface Early {
  readonly pieces: Uint8Array[];
  bytes: number;
  fin: boolean;
}

/** Holds content to what was granted, and keeps what came before the stream that it is for. */
export class IncomingContent {
  readonly #user: IncomingUser;
  readonly #maxEarlyStreams: number;
  readonly #received = new Map<number, number>();
  readonly #early = new Map<number, Early>();
  #earlyBytes = 0;

  constructor(user: IncomingUser, { maxEarlyStreams }: { readonly maxEarlyStreams: number }) {
    this.#user = user;
    this.#maxEarlyStreams = maxEarlyStreams;
  }

  /** Whether anybody wants more of the stream. Throws where it was not granted. */
  handle(id: number, bytes: Uint8Array, fin: boolean): boolean {
    const limit = this.#user.limitOf(id);
    if (limit === 'over') return false;
    if (limit === 'unopened') {
      this.#keep(id, bytes, fin);
      return true;
    }
    // Nothing that comes later goes before what is kept.
    if (this.#early.has(id)) this.opened(id);
    this.#give(id, bytes, fin, limit);
    return true;
  }

  /** Gives out what is kept of it, as far as it is wanted. */
  opened(id: number): void {
    const early = this.#early.get(id);
    if (!early) return;
    this.#drop(id, early);
    const limit = this.#user.limitOf(id);
    if (typeof limit === 'number') this.#give(id, Buffer.concat(early.pieces, early.bytes), early.fin, limit);
  }

  forget(id: number): void {
    this.#received.delete(id);
    const early = this.#early.get(id);
    if (early) this.#drop(id, early);
  }

  #give(id: number, bytes: Uint8Array, fin: boolean, limit: number): void {
    const received = (this.#received.get(id) ?? 0) + bytes.length;
    if (received > limit) throw violation('more content than was granted');
    // Who handles it may forget it.
    this.#received.set(id, received);
    this.#user.handleContent(id, bytes, fin);
  }

  #keep(id: number, bytes: Uint8Array, fin: boolean): void {
    const early = this.#early.get(id) ?? { pieces: [], bytes: 0, fin: false };
    this.#early.set(id, early);
    early.bytes += bytes.length;
    this.#earlyBytes += bytes.length;
    if (early.fin || early.bytes > muxDefaults.earlyStreamBytes)
      throw violation('content of a stream that is not open');
    if (this.#earlyBytes > muxDefaults.earlyConnectionBytes || this.#early.size > this.#maxEarlyStreams)
      throw violation('content of streams that are not open');
    early.fin = fin;
    // What was read lies in much more memory than it has bytes.
    if (bytes.length > 0) early.pieces.push(new Uint8Array(bytes));
  }

  #drop(id: number, early: Early): void {
    this.#early.delete(id);
    this.#earlyBytes -= early.bytes;
  }
}

export function violation(reason: string): XferError {
  return new XferError('ERR_XFER_PROTOCOL', reason);
}
