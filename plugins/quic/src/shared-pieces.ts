import { decodePieceHeader, pieceHeaderBytes, type PieceHeader } from './wire.js';

/** Takes apart what comes on the shared stream, in whatever portions. */
export class SharedPieces {
  readonly #onContent: (id: number, bytes: Uint8Array, fin: boolean) => void;
  readonly #header = new Uint8Array(pieceHeaderBytes);
  #headerBytes = 0;
  #piece: PieceHeader | undefined;
  #left = 0;

  /** The bytes that the handler gets are the caller's own. */
  constructor(onContent: (id: number, bytes: Uint8Array, fin: boolean) => void) {
    this.#onContent = onContent;
  }

  /** Throws for what no sender of ours says. */
  push(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0)
      rest = rest.subarray(this.#piece ? this.#content(this.#piece, rest) : this.#head(rest));
  }

  /** Whether an end may follow. */
  get isWhole(): boolean {
    return !this.#piece && this.#headerBytes === 0;
  }

  #head(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, pieceHeaderBytes - this.#headerBytes);
    this.#header.set(bytes.subarray(0, taken), this.#headerBytes);
    this.#headerBytes += taken;
    if (this.#headerBytes < pieceHeaderBytes) return taken;
    this.#headerBytes = 0;
    const piece = decodePieceHeader(this.#header);
    if (piece.bytes === 0) {
      this.#onContent(piece.id, new Uint8Array(0), piece.fin);
      return taken;
    }
    this.#piece = piece;
    this.#left = piece.bytes;
    return taken;
  }

  #content({ id, fin }: PieceHeader, bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.#left);
    this.#left -= taken;
    const isLast = this.#left === 0;
    if (isLast) this.#piece = undefined;
    this.#onContent(id, bytes.subarray(0, taken), fin && isLast);
    return taken;
  }
}
