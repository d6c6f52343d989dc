import type { PipeReader, PipeWriter } from '../pipe/channel.js';
import type { ProgressEvent } from './events.js';

/** Content that goes one way: out of this side into the writers, or from the readers to this side. */
export class MeteredWay {
  /** Written to the writers, or delivered. */
  movedBytes = 0;
  readonly #halves: readonly (PipeWriter | PipeReader)[];
  readonly isOut: boolean;
  readonly #isSame: boolean;

  /** `isSame`: what goes through one half goes through all of them. */
  constructor(isOut: boolean, halves: readonly (PipeWriter | PipeReader)[], isSame: boolean) {
    this.isOut = isOut;
    this.#halves = halves;
    this.#isSame = isSame;
  }

  /** Of several that keep the same that of the slowest; of others all together. */
  get heldBytes(): number {
    return this.#of(this.#halves.map(({ heldBytes }) => heldBytes));
  }

  get windowBytes(): number {
    return this.#of(this.#halves.map(({ windowBytes }) => windowBytes));
  }

  #of(each: readonly number[]): number {
    return this.#isSame ? Math.max(0, ...each) : each.reduce((sum, bytes) => sum + bytes, 0);
  }
}

/** Counts what goes through a pipe, all of its streams together. */
export class PipeMeter {
  readonly #ways = new Set<MeteredWay>();
  #sentBefore = 0;
  #receivedBefore = 0;

  begin(isOut: boolean, halves: readonly (PipeWriter | PipeReader)[], isSame = false): MeteredWay {
    const way = new MeteredWay(isOut, halves, isSame);
    this.#ways.add(way);
    return way;
  }

  /** Nothing of it is held any more. */
  end(way: MeteredWay): void {
    if (!this.#ways.delete(way)) return;
    if (way.isOut) this.#sentBefore += way.movedBytes;
    else this.#receivedBefore += way.movedBytes;
  }

  get sentBytes(): number {
    return this.#sentBefore + this.#sum(true);
  }

  get receivedBytes(): number {
    return this.#receivedBefore + this.#sum(false);
  }

  get progress(): Omit<ProgressEvent, 'event'> {
    let heldOut = 0;
    let heldIn = 0;
    let windowBytes = 0;
    for (const way of this.#ways) {
      if (way.isOut) heldOut += way.heldBytes;
      else heldIn += way.heldBytes;
      windowBytes += way.windowBytes;
    }
    const moved = this.sentBytes + this.receivedBytes;
    return {
      bytes: Math.max(0, moved - heldOut),
      total: moved + heldIn,
      sent: this.sentBytes,
      files: 0,
      heldBytes: heldOut + heldIn,
      windowBytes,
    };
  }

  #sum(isOut: boolean): number {
    return [...this.#ways].reduce((sum, way) => sum + (way.isOut === isOut ? way.movedBytes : 0), 0);
  }
}
