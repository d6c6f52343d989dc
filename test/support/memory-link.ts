import type { OrderedLink, Place } from 'xfer/plugin';

const nothing = (): undefined => undefined;

/** One write, on its way. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly written: () => void;
}

/** What a test may do to the bytes of one direction. */
export interface MemoryHooks {
  /** While true nothing leaves this side: it waits in the link, like a full kernel buffer. */
  held?: boolean;
  /** Changes the bytes on their way, and how they are cut. */
  tamper?: (bytes: Uint8Array) => readonly Uint8Array[];
}

/** An in-memory ordered link: what one side writes arrives at the other in a later turn of the loop. */
export class MemoryLink implements OrderedLink {
  readonly hooks: MemoryHooks;
  #peer: MemoryLink | undefined;
  #onData: (bytes: Uint8Array) => void = nothing;
  #place: () => Place | undefined = nothing;
  #onEnd: () => void = nothing;
  #onError: (error: Error) => void = nothing;
  #pieces: Piece[] = [];
  #ending = false;
  #over = false;
  #scheduled = false;
  unsentBytes = 0;

  constructor(hooks: MemoryHooks = {}) {
    this.hooks = hooks;
  }

  /** Two ends of one link. */
  static pair(a: MemoryHooks = {}, b: MemoryHooks = {}): [MemoryLink, MemoryLink] {
    const left = new MemoryLink(a);
    const right = new MemoryLink(b);
    left.#peer = right;
    right.#peer = left;
    return [left, right];
  }

  write(chunks: Uint8Array[], written: () => void): boolean {
    const bytes = Buffer.concat(chunks);
    this.unsentBytes += bytes.length;
    this.#pieces.push({ bytes, written });
    this.#schedule();
    return true;
  }

  onData(handler: (bytes: Uint8Array) => void): void {
    this.#onData = handler;
  }

  onPlace(handler: () => Place | undefined): void {
    this.#place = handler;
  }

  /** write() never says full here. */
  onWritable = nothing;

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onError(handler: (error: Error) => void): void {
    this.#onError = handler;
  }

  close(): void {
    this.#ending = true;
    this.#schedule();
  }

  abort(): void {
    if (this.#over) return;
    this.#drop();
    setImmediate(() => this.#peer?.break(new Error('the other end aborted')));
  }

  /** In pieces as the other end wants them, and where it wants them. */
  deliver(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#over;) {
      const place = this.#place();
      const piece = bytes.subarray(
        at,
        at + (place instanceof Uint8Array ? place.length : (place?.bytes ?? Infinity)),
      );
      at += piece.length;
      if (place instanceof Uint8Array) place.set(piece);
      this.#onData(place instanceof Uint8Array ? place.subarray(0, piece.length) : piece);
    }
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
    this.#schedule();
  }

  #drop(): void {
    this.#over = true;
    const pieces = this.#pieces;
    this.#pieces = [];
    setImmediate(() => {
      for (const piece of pieces) piece.written();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#over) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#move();
    });
  }

  #move(): void {
    while (!this.#over && !this.hooks.held) {
      const piece = this.#pieces.shift();
      if (!piece) break;
      this.unsentBytes -= piece.bytes.length;
      piece.written();
      for (const bytes of this.hooks.tamper?.(piece.bytes) ?? [piece.bytes]) this.#peer?.deliver(bytes);
    }
    if (this.#over || !this.#ending || this.#pieces.length > 0) return;
    this.#ending = false;
    this.#peer?.end();
  }
}
