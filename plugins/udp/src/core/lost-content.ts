import type { PulledContent } from './contract.js';
import type { SendStream } from './send-stream.js';
import type { SentRun } from './sent-run.js';

/** Content that was lost: it is sent again in pieces of any size. */
export interface LostPiece {
  readonly stream: SendStream;
  readonly content: PulledContent;
  offset: number;
  bytes: number;
  fin: boolean;
}

/** What has to be sent again, first lost first. */
export class LostContent {
  #pieces: LostPiece[] = [];
  #head = 0;
  #bytes = 0;

  /** Bytes of content that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  handleLost(run: SentRun): void {
    const { stream, content } = run;
    if (stream === undefined || content === undefined) return;
    this.#bytes += run.bytes;
    const last = this.#pieces.at(-1);
    if (last?.content === content && last.offset + last.bytes === run.offset) {
      last.bytes += run.bytes;
      last.fin = run.fin;
    } else this.#pieces.push({ stream, content, offset: run.offset, bytes: run.bytes, fin: run.fin });
  }

  /** What is to be sent first; what arrived meanwhile or was forgotten is passed over. */
  get first(): LostPiece | undefined {
    for (;;) {
      const piece = this.#pieces[this.#head];
      if (piece === undefined) return undefined;
      if (!piece.stream.covers(piece.offset, piece.bytes, piece.fin)) return piece;
      this.#bytes -= piece.bytes;
      this.#next();
    }
  }

  /** So much of `first` was sent. */
  take(bytes: number): void {
    const piece = this.#pieces[this.#head];
    if (piece === undefined) return;
    this.#bytes -= bytes;
    piece.offset += bytes;
    piece.bytes -= bytes;
    if (piece.bytes === 0) this.#next();
  }

  clear(): void {
    this.#pieces = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #next(): void {
    this.#head += 1;
    if (this.#head < 64 && this.#head < this.#pieces.length) return;
    this.#pieces.splice(0, this.#head);
    this.#head = 0;
  }
}
