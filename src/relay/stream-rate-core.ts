import { relayDefaults } from '../config/index.js';
import { StreamLoad, type StreamLoadLimits } from './stream-load.js';
import { waterLevel, type Demand } from './water-level.js';

/** As in `relayDefaults`, each. */
export interface StreamRateLimits extends StreamLoadLimits {
  readonly streamWindowMs: number;
}

export interface StreamRateOptions extends Partial<StreamRateLimits> {
  /** The weight of all strangers together, above 0. Default: as in `relayDefaults`. */
  readonly strangersWeight?: number | undefined;
}

interface Peer extends Demand {
  readonly key: string;
  readonly isStranger: boolean;
  weight: number;
  hasLeft: boolean;
  /** Streams that wait for a turn. */
  waiting: number;
  /** Turns in this window and in the one before. */
  taken: number;
  takenBefore: number;
  /** Part of a turn, of windows in which there was none for it. */
  carried: number;
}

/** As long as rounding of weights that are no whole numbers takes no turn. */
const tiny = 1e-9;

/**
 * How often streams are opened near saturation: a sans-IO core. Below it nobody waits. Near it each window's turns are
 * divided by weight among those that open streams, by weighted max-min fairness: what one leaves goes to the others, and
 * who is connected and silent has no part. All strangers together are as one peer, and divide its part in the same way. A
 * stream without a turn waits for one of a later window, in the order in which its peer's streams came.
 *
 * Calls: `enter` and `leave` as peers come and go, `handleOpen` for each stream that comes; if it is to wait, `handleGone`
 * where it ends before its turn. `handleTick`, at `nextTickAt` while anybody waits, gives the turns of the next window.
 */
export class StreamRateCore {
  readonly #load: StreamLoad;
  readonly #windowMs: number;
  readonly #pool: number;
  readonly #peers = new Map<string, Peer>();
  /** Those that took a turn in this window or the one before, or wait. */
  readonly #active = new Set<Peer>();
  #strangersWeight: number;
  #windowAt: number | undefined;
  #waiting = 0;
  #taken = 0;
  #strangersTaken = 0;
  /** Part of a turn of all strangers. */
  #strangersCarried = 0;
  /** Turns of a window for each weight, for each stranger, and for all of those. Infinity: as many as anybody wants. */
  #level = Infinity;
  #strangerLevel = Infinity;
  #strangersMost = Infinity;

  constructor({ strangersWeight, ...limits }: StreamRateOptions = {}) {
    const all = { ...relayDefaults, ...limits };
    this.#load = new StreamLoad(all);
    this.#windowMs = all.streamWindowMs;
    this.#pool = (all.streamsPerSecond * all.streamWindowMs) / 1000;
    this.#strangersWeight = strangersWeight ?? relayDefaults.strangersWeight;
  }

  get isSaturated(): boolean {
    return this.#load.isFull;
  }

  /** Streams that wait for a turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Peers of which something is remembered, those that have left within this window among them. */
  get size(): number {
    return this.#peers.size;
  }

  /** When the next window begins, if anything waits for it. */
  get nextTickAt(): number | undefined {
    return this.#waiting === 0 ? undefined : (this.#windowAt ?? 0) + this.#windowMs;
  }

  setStrangersWeight(weight: number): void {
    this.#strangersWeight = weight;
  }

  /** `weight`, above 0, is undefined for strangers. Of a peer that is there already: it has another weight. */
  enter(key: string, weight?: number): void {
    const known = this.#peers.get(key);
    const isStranger = weight === undefined;
    const counts = known ?? { wanted: 0, waiting: 0, taken: 0, takenBefore: 0, carried: 0 };
    const peer = { ...counts, key, isStranger, weight: weight ?? 1, hasLeft: false };
    if (known && this.#active.delete(known)) this.#active.add(peer);
    this.#peers.set(key, peer);
  }

  /** None of its streams waits any more. What it took in this window stays taken, so that coming again does not help. */
  leave(key: string): void {
    const peer = this.#peers.get(key);
    if (!peer) return;
    this.#waiting -= peer.waiting;
    Object.assign(peer, { waiting: 0, hasLeft: true });
    if (!this.#active.has(peer)) this.#peers.delete(key);
  }

  /** True: the stream goes on now. False: it waits, and is among the turns that `handleTick` gives. */
  handleOpen(now: number, key: string): boolean {
    this.handleTime(now);
    const peer = this.#peers.get(key);
    if (!peer) return true;
    this.#active.add(peer);
    if (peer.waiting === 0 && this.#tryTake(peer)) return true;
    peer.waiting++;
    this.#waiting++;
    return false;
  }

  /** A stream came and was refused: it took no turn, and no less of the loop's time than one that asked for nothing. */
  handleRefused(now: number): void {
    this.handleTime(now);
    this.#load.handleOpen();
  }

  /** A stream of this peer that waited is over. */
  handleGone(key: string): void {
    const peer = this.#peers.get(key);
    if (!peer || peer.waiting === 0) return;
    peer.waiting--;
    this.#waiting--;
  }

  /** How many streams of which peers go on now. */
  handleTick(now: number): Map<string, number> {
    this.handleTime(now);
    const turns = new Map<string, number>();
    // One each in turn, or the first of many strangers would have all that they have together.
    let asking = this.#waiting > 0 ? [...this.#active] : [];
    while (asking.length > 0)
      asking = asking.filter((peer) => {
        if (peer.waiting === 0 || !this.#tryTake(peer)) return false;
        peer.waiting--;
        this.#waiting--;
        turns.set(peer.key, (turns.get(peer.key) ?? 0) + 1);
        return true;
      });
    return turns;
  }

  #tryTake(peer: Peer): boolean {
    if (this.isSaturated && !this.#mayTake(peer)) return false;
    peer.taken++;
    this.#taken++;
    if (peer.isStranger) this.#strangersTaken++;
    this.#load.handleOpen();
    // More come than came in the last window, when there was enough for all.
    if (this.isSaturated && this.#level === Infinity && this.#taken >= this.#pool) this.#share();
    return true;
  }

  #mayTake({ isStranger, weight, taken, carried }: Peer): boolean {
    if (!isStranger) return taken + 1 <= weight * this.#level + carried + tiny;
    const most = this.#strangersMost + this.#strangersCarried;
    return this.#strangersTaken + 1 <= most + tiny && taken + 1 <= this.#strangerLevel + carried + tiny;
  }

  /** So late is it: what is known of the load is that of now. */
  handleTime(now: number): void {
    const hasBegun = this.#load.handleTime(now, this.#waiting > 0);
    this.#windowAt ??= now;
    const elapsedMs = now - this.#windowAt;
    if (elapsedMs >= this.#windowMs) {
      // Windows that nobody looked at are over, and nobody was kept waiting in them.
      this.#windowAt = now - (elapsedMs % this.#windowMs);
      this.#endWindow();
    } else if (hasBegun) this.#share();
  }

  #endWindow(): void {
    this.#strangersCarried = part(this.#strangersMost + this.#strangersCarried - this.#strangersTaken);
    this.#taken = 0;
    this.#strangersTaken = 0;
    for (const peer of this.#active) {
      const most = peer.isStranger ? this.#strangerLevel : peer.weight * this.#level;
      peer.carried = peer.waiting > 0 ? part(most + peer.carried - peer.taken) : 0;
      peer.takenBefore = peer.taken;
      peer.taken = 0;
      if (peer.waiting > 0 || peer.takenBefore > 0) continue;
      this.#active.delete(peer);
      if (peer.hasLeft) this.#peers.delete(peer.key);
    }
    this.#share();
  }

  /** What each may take of this window's turns: who took some lately or waits is taken to want as many again. */
  #share(): void {
    const listed: Demand[] = [];
    const strangers: Demand[] = [];
    let wantedByStrangers = 0;
    for (const { isStranger, weight, taken, takenBefore, waiting } of this.#active) {
      const wanted = Math.max(taken, takenBefore) + waiting;
      (isStranger ? strangers : listed).push({ weight, wanted });
      if (isStranger) wantedByStrangers += wanted;
    }
    if (wantedByStrangers > 0) listed.push({ weight: this.#strangersWeight, wanted: wantedByStrangers });
    this.#level = waterLevel(this.#pool, listed);
    this.#strangersMost = this.#level * this.#strangersWeight;
    this.#strangerLevel = waterLevel(this.#strangersMost, strangers);
  }
}

/**
 * What is left of turns that were not whole, or that others of the same share had first: without the second of them some
 * would be lost among many who have less than one a window.
 */
const part = (left: number): number => (left > 0 ? Math.min(left, mostCarried) : 0);
const mostCarried = 2;
