import { waterLevel } from '../../src/relay/water-level.js';

interface FluidPeer {
  readonly weight: number | undefined;
  backlog: number;
  served: number;
}

/**
 * The ideal that shares are measured against: every millisecond what was forwarded is shared out exactly, by weight and no more
 * than is there of each (generalized processor sharing, Parekh and Gallager 1993), all strangers together as one.
 */
export class FluidShares {
  readonly #strangersWeight: number;
  readonly #peers = new Map<string, FluidPeer>();

  constructor(strangersWeight: number) {
    this.#strangersWeight = strangersWeight;
  }

  enter(peer: string, weight: number | undefined): void {
    this.#peers.set(peer, { weight, backlog: 0, served: 0 });
  }

  leave(peer: string): void {
    this.#peers.delete(peer);
  }

  arrive(peer: string, bytes: number): void {
    const state = this.#peers.get(peer);
    if (state) state.backlog += bytes;
  }

  /** What is there of it now. */
  setBacklog(peer: string, bytes: number): void {
    const state = this.#peers.get(peer);
    if (state) state.backlog = bytes;
  }

  serve(pool: number): void {
    const all = [...this.#peers.values()];
    const strangers = all.filter(({ weight }) => weight === undefined);
    const listed = all.filter(({ weight }) => weight !== undefined);
    const wanted = strangers.reduce((sum, { backlog }) => sum + backlog, 0);
    const demands = listed.map(({ weight = 1, backlog }) => ({ weight, wanted: backlog }));
    const level = waterLevel(pool, [...demands, { weight: this.#strangersWeight, wanted }]);
    const share = Math.min(pool, level * this.#strangersWeight);
    const strangersLevel = waterLevel(
      share,
      strangers.map(({ backlog }) => ({ weight: 1, wanted: backlog })),
    );
    for (const peer of all) {
      const bytes = Math.min(peer.backlog, peer.weight === undefined ? strangersLevel : peer.weight * level);
      peer.backlog -= bytes;
      peer.served += bytes;
    }
  }

  /** What each was served since the last call. */
  take(): Map<string, number> {
    const taken = new Map([...this.#peers].map(([name, { served }]) => [name, served]));
    for (const peer of this.#peers.values()) peer.served = 0;
    return taken;
  }
}
