import { StreamRateCore } from '../../src/relay/stream-rate-core.js';
import { FluidShares } from './fluid-shares.js';

/** How a peer opens streams: so many every so many milliseconds, or (`pending`) as fast as so many at once are answered. */
export type Opens =
  | { readonly streams: number; readonly everyMs: number }
  | { readonly pending: number; readonly answerMs: number };

export interface TurnsPeer {
  readonly name: string;
  readonly opens: Opens;
  readonly since: number;
  /** When each of those that wait came. */
  readonly waiting: number[];
  /** When the next hop answers. */
  readonly answers: number[];
  opened: number;
  waits: number;
  longestWaitMs: number;
}

const windowMs = 100;

/** A relay to which many peers open streams in virtual time. */
export class TurnsWorld {
  readonly core: StreamRateCore;
  readonly peers = new Map<string, TurnsPeer>();
  now = 0;
  /** Streams that had to wait. */
  waits = 0;
  readonly #fluid: FluidShares;
  #windowStreams = 0;

  constructor(streamsPerSecond: number, strangersWeight = 1) {
    this.core = new StreamRateCore({ streamsPerSecond, streamWindowMs: windowMs, strangersWeight });
    this.#fluid = new FluidShares(strangersWeight);
  }

  /** Streams a second that come in the long run; of who opens as fast as it can, what it could without a limit. */
  get offered(): number {
    return [...this.peers.values()].reduce((sum, { opens }) => {
      const perMs = 'pending' in opens ? opens.pending / opens.answerMs : opens.streams / opens.everyMs;
      return sum + perMs * 1_000;
    }, 0);
  }

  get waiting(): number {
    return [...this.peers.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  join(name: string, weight: number | undefined, opens: Opens): void {
    this.peers.set(name, {
      ...{ name, opens, since: this.now, waiting: [], answers: [], opened: 0, waits: 0, longestWaitMs: 0 },
    });
    this.core.enter(name, weight);
    this.#fluid.enter(name, weight);
  }

  leave(name: string): void {
    this.peers.delete(name);
    this.core.leave(name);
    this.#fluid.leave(name);
  }

  run(ms: number): void {
    for (let step = 0; step < ms; step++) this.#step();
  }

  /** What each peer opened since the last call, and what it should have of all that. */
  take(): Map<string, { readonly actual: number; readonly ideal: number }> {
    const ideal = this.#fluid.take();
    const taken = new Map(
      [...this.peers].map(([name, { opened }]) => [name, { actual: opened, ideal: ideal.get(name) ?? 0 }]),
    );
    for (const peer of this.peers.values()) {
      peer.opened = 0;
      this.#fluid.setBacklog(peer.name, 'pending' in peer.opens ? Infinity : peer.waiting.length);
    }
    return taken;
  }

  #step(): void {
    this.now++;
    if (this.now >= (this.core.nextTickAt ?? Infinity)) this.#giveTurns();
    if (this.now % windowMs === 0) {
      this.#fluid.serve(this.#windowStreams);
      this.#windowStreams = 0;
    }
    // Whoever comes first in one millisecond comes last in the next.
    const peers = [...this.peers.values()];
    for (const peer of this.now % 2 === 0 ? peers : peers.reverse()) {
      const { opens, since, waiting, answers } = peer;
      if ('streams' in opens) {
        if ((this.now - since) % opens.everyMs === 0) this.#arrive(peer, opens.streams);
        continue;
      }
      while ((answers[0] ?? Infinity) <= this.now) answers.shift();
      this.#arrive(peer, opens.pending - waiting.length - answers.length);
    }
  }

  #giveTurns(): void {
    for (const [name, count] of this.core.handleTick(this.now)) {
      const peer = this.peers.get(name);
      for (let turn = 0; turn < count; turn++) {
        const since = peer?.waiting.shift();
        if (!peer || since === undefined) throw new Error(`${name} has a turn, and nothing waits`);
        peer.longestWaitMs = Math.max(peer.longestWaitMs, this.now - since);
        this.#open(peer);
      }
    }
  }

  #arrive(peer: TurnsPeer, streams: number): void {
    this.#fluid.arrive(peer.name, 'pending' in peer.opens ? Infinity : streams);
    for (let count = 0; count < streams; count++) {
      if (this.core.handleOpen(this.now, peer.name)) {
        this.#open(peer);
        continue;
      }
      peer.waiting.push(this.now);
      peer.waits++;
      this.waits++;
    }
  }

  #open(peer: TurnsPeer): void {
    peer.opened++;
    this.#windowStreams++;
    if ('pending' in peer.opens) peer.answers.push(this.now + peer.opens.answerMs);
  }
}
