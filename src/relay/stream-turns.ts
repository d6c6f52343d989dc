import { relayDefaults } from '../config/index.js';
import { StreamRateCore, type StreamRateOptions } from './stream-rate-core.js';

interface Member {
  connections: number;
  /** What is to be done when it is a stream's turn, in the order in which they came. */
  readonly waiting: Set<() => void>;
}

/** Joins the rate of streams to the clock, while any of them waits for its turn. */
export class StreamTurns {
  readonly #core: StreamRateCore;
  readonly #now: () => number;
  readonly #members = new Map<string, Member>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StreamRateOptions, now: () => number) {
    this.#core = new StreamRateCore(options);
    this.#now = now;
  }

  /** Streams that wait for their turn. */
  get waiting(): number {
    return this.#core.waiting;
  }

  /** As many are opened as can be. */
  get isSaturated(): boolean {
    // Nobody may have opened anything since.
    this.#core.handleTime(this.#now());
    return this.#core.isSaturated;
  }

  /** A connection of the peer is there. The function is called when it is over; `weight`: undefined for strangers. */
  enter(peer: string, weight: number | undefined): () => void {
    const member = this.#members.get(peer) ?? { connections: 0, waiting: new Set() };
    this.#members.set(peer, member);
    member.connections++;
    this.#core.enter(peer, weight);
    return () => {
      member.connections--;
      if (member.connections > 0) return;
      this.#members.delete(peer);
      this.#core.leave(peer);
    };
  }

  /** Calls `go` when it is the stream's turn, which may be now; never after the signal, which says that it is over. */
  take(peer: string, signal: AbortSignal, go: () => void): void {
    const member = this.#members.get(peer);
    if (!member || this.#core.handleOpen(this.#now(), peer)) return go();
    const gone = () => {
      if (member.waiting.delete(turn)) this.#core.handleGone(peer);
    };
    const turn = () => {
      signal.removeEventListener('abort', gone);
      go();
    };
    member.waiting.add(turn);
    signal.addEventListener('abort', gone, { once: true });
    this.#schedule();
  }

  /** A stream was refused, which takes time as well. */
  handleRefused(): void {
    this.#core.handleRefused(this.#now());
  }

  setStrangersWeight(weight: number = relayDefaults.strangersWeight): void {
    this.#core.setStrangersWeight(weight);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    const at = this.#core.nextTickAt;
    if (at === undefined) return;
    this.#timer ??= setTimeout(() => this.#tick(), Math.max(1, at - this.#now())).unref();
  }

  #tick(): void {
    this.#timer = undefined;
    for (const [peer, count] of this.#core.handleTick(this.#now())) {
      const waiting = this.#members.get(peer)?.waiting ?? new Set();
      for (const turn of [...waiting].slice(0, count)) {
        waiting.delete(turn);
        turn();
      }
    }
    this.#schedule();
  }
}
