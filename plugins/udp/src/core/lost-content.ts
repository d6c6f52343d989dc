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

/**
 * What has to be sent again: first what the other side needs so that a stream goes on, then the rest, each first lost
 * first. What is behind a gap may find no room there, and a queue under way that is full drops the end of a burst: were the
 * order always the same, the gap could be what is dropped every time.
 */
export class LostContent {
  readonly #gaps = new LostQueue();
  readonly #rest = new LostQueue();

  /** Bytes of content that wait. */
  get bytes(): number {
    return this.#gaps.bytes + this.#rest.bytes;
  }

  handleLost(run: SentRun): void {
    const { stream, content, offset, bytes, fin } = run;
    if (stream === undefined || content === undefined) return;
    const queue = stream.needs(offset) || this.#gaps.isFollowedBy(content, offset) ? this.#gaps : this.#rest;
    queue.add({ stream, content, offset, bytes, fin });
  }

  /** What is to be sent first; what arrived meanwhile or was forgotten is passed over. */
  get first(): LostPiece | undefined {
    return this.#gaps.first ?? this.#rest.first;
  }

  /** So much of `first` was sent. */
  take(bytes: number): void {
    (this.#gaps.first === undefined ? this.#rest : this.#gaps).take(bytes);
  }

  clear(): void {
    this.#gaps.clear();
    this.#rest.clear();
  }
}

/** Lost pieces, first in first out; what follows the last one is joined to it. */
class LostQueue {
  #pieces: LostPiece[] = [];
  #head = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether this goes on where the last piece ends. */
  isFollowedBy(content: PulledContent, offset: number): boolean {
    const last = this.#pieces.at(-1);
    return last?.content === content && last.offset + last.bytes === offset;
  }

  add(piece: LostPiece): void {
    this.#bytes += piece.bytes;
    const last = this.#pieces.at(-1);
    if (last !== undefined && this.isFollowedBy(piece.content, piece.offset)) {
      last.bytes += piece.bytes;
      last.fin = piece.fin;
    } else this.#pieces.push(piece);
  }

  get first(): LostPiece | undefined {
    for (;;) {
      const piece = this.#pieces[this.#head];
      if (piece === undefined) return undefined;
      if (!piece.stream.covers(piece.offset, piece.bytes, piece.fin)) return piece;
      this.#bytes -= piece.bytes;
      this.#next();
    }
  }

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
