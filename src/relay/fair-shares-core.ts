import { relayDefaults } from '../config/index.js';
import { Saturation } from './saturation.js';
import { waterLevel, type Demand } from './water-level.js';

export interface FairSharesOptions {
  /** What all peers together may have forwarded; undefined or 0: as much as the event loop can. */
  readonly capacityBytesPerSecond?: number | undefined;
  /** The weight of all strangers together, above 0; as the others in `relayDefaults`. */
  readonly strangersWeight?: number;
  readonly shareWindowMs?: number;
  readonly saturatedLoad?: number;
  readonly calmLoad?: number;
}

/** So far ahead of its share anybody may be, and two ticks at least. */
const aheadMs = 25;
/** From here on the loop counts as busy all the time. */
const fullLoad = 0.99;
/** What a peer had lately is a mean of about so long; less than so many bytes a millisecond is nothing. */
const rateMs = 100;
const leastRate = 1;
/** It may want so many times that. */
const appetite = 1.2;
/** So much of a tick's pay goes to the next where that left something. */
const mostCarried = 0.3;
/** Past this strangers that leave are forgiven, so that no flood of them fills the memory. */
const mostStrangersActive = 10_000;

interface Peer extends Demand {
  readonly key: string;
  readonly isStranger: boolean;
  weight: number;
  hasLeft: boolean;
  /** What was forwarded for it and is not paid yet. */
  owed: number;
  /** What it would have paid this tick if there were enough. */
  wanted: number;
  /** Bytes a millisecond, lately, and bytes of this tick. */
  rate: number;
  fresh: number;
}

/**
 * Under load, what is forwarded follows the weights of the peers, and all strangers together have one share: a sans-IO
 * core. Each peer owes what it had forwarded, and the capacity pays for it with time, by weighted max-min fairness: what
 * one leaves goes to the others. Who owes more than is paid for it in a moment is held until less is owed. Below
 * saturation nobody owes anything and nobody is held. Memory and a tick's time are those of the peers there are.
 *
 * Calls: `enter` and `leave` as peers come and go, `mayRead` before content of a peer is read, `handleForwarded` when it
 * was, `handleTick` every `relayDefaults.shareTickMs`: it names those that were held and may go on.
 */
export class FairSharesCore {
  readonly #saturation: Saturation;
  readonly #peers = new Map<string, Peer>();
  readonly #held = new Set<Peer>();
  /** Those that owe something or did so lately: listed peers, and strangers. */
  readonly #active = new Set<Peer>();
  readonly #activeStrangers = new Set<Peer>();
  /** All strangers as one. */
  readonly #strangers: { weight: number; wanted: number };
  #tickAt: number | undefined;
  #tickBytes = 0;
  /** What a full loop has earned and nobody was owed. */
  #carry = 0;
  /** What may be owed: for each weight, by one stranger, and by anybody. */
  #mostPerWeight = Infinity;
  #mostByStranger = Infinity;
  #most = Infinity;

  constructor({ capacityBytesPerSecond, ...options }: FairSharesOptions = {}) {
    const { strangersWeight, ...limits } = { ...relayDefaults, ...options };
    this.#saturation = new Saturation(limits);
    this.#saturation.setLimit(capacityBytesPerSecond);
    this.#strangers = { weight: strangersWeight, wanted: 0 };
  }

  get isSaturated(): boolean {
    return this.#saturation.isSaturated;
  }

  /** What is shared out under saturation. */
  get capacityBytesPerSecond(): number {
    return this.#saturation.bytesPerMs * 1000;
  }

  /** Peers that wait for their share. */
  get held(): number {
    return this.#held.size;
  }

  /** Peers of which something is remembered, those that have left with debts among them. */
  get size(): number {
    return this.#peers.size;
  }

  /**
   * Of a peer that is there already: it has another weight. `weight`, above 0, is undefined for strangers, and for whoever
   * is not listed, whatever it proved: keys cost nothing.
   */
  enter(peer: string, weight?: number): void {
    const known = this.#peers.get(peer);
    const isStranger = weight === undefined;
    if (known?.isStranger === isStranger) {
      known.hasLeft = false;
      known.weight = weight ?? 1;
      return;
    }
    const state = { ...nothing, key: peer, weight: weight ?? 1, isStranger, hasLeft: false };
    const isHeld = known !== undefined && this.#held.has(known);
    if (known) this.#remove(known);
    this.#peers.set(peer, state);
    if (isHeld) this.#held.add(state);
  }

  /** What it owes stays owed until it is paid, so that coming again does not help. */
  leave(peer: string): void {
    const state = this.#peers.get(peer);
    if (!state) return;
    this.#held.delete(state);
    state.hasLeft = true;
    if (state.owed === 0 || this.#activeStrangers.size > mostStrangersActive) this.#remove(state);
  }

  setCapacity(bytesPerSecond: number | undefined): void {
    this.#saturation.setLimit(bytesPerSecond);
  }

  setStrangersWeight(weight: number): void {
    this.#strangers.weight = weight;
  }

  /** `bytes` that this peer sent were forwarded. */
  handleForwarded(peer: string, bytes: number): void {
    this.#tickBytes += bytes;
    const state = this.isSaturated ? this.#peers.get(peer) : undefined;
    if (!state) return;
    state.owed += bytes;
    state.fresh += bytes;
    (state.isStranger ? this.#activeStrangers : this.#active).add(state);
  }

  /** Whether to read what this peer sends. False is remembered: `handleTick` will name it when it may go on. */
  mayRead(peer: string): boolean {
    const state = this.#peers.get(peer);
    if (!this.isSaturated || !state || this.#isWithin(state)) return true;
    this.#held.add(state);
    return false;
  }

  /** `load`: of the event loop since the last call, from 0 to 1. Gives the peers that were held and may go on. */
  handleTick(now: number, load: number): string[] {
    const elapsedMs = now - (this.#tickAt ?? now);
    this.#tickAt = Math.max(now, this.#tickAt ?? now);
    if (!(elapsedMs > 0)) return [];
    const busy = Math.min(1, Math.max(0, load || 0));
    this.#saturation.handleTick(elapsedMs, this.#tickBytes, busy, this.#held.size > 0);
    this.#tickBytes = 0;
    if (this.isSaturated) this.#payOff(elapsedMs, busy >= fullLoad);
    else this.#forget();
    const released: string[] = [];
    for (const peer of this.#held) {
      if (this.isSaturated && !this.#isWithin(peer)) continue;
      this.#held.delete(peer);
      released.push(peer.key);
    }
    return released;
  }

  #isWithin({ owed, isStranger, weight }: Peer): boolean {
    // Many that were silent before are not to have so much each within one tick.
    if (owed > 0 && this.#tickBytes >= this.#most) return false;
    return owed < Math.min(this.#most, isStranger ? this.#mostByStranger : weight * this.#mostPerWeight);
  }

  /**
   * The capacity of the time that has passed pays for what is owed. While the loop was full, not everybody had the turns
   * that it could have used: then who had much lately wants more than it owes, and what it may want is left for it.
   */
  #payOff(elapsedMs: number, isFull: boolean): void {
    const earned = this.#saturation.bytesPerMs * elapsedMs;
    const pool = earned + this.#carry;
    const blend = 1 - Math.exp(-elapsedMs / rateMs);
    const strangers = this.#strangers;
    strangers.wanted = 0;
    for (const peer of this.#active) want(peer, elapsedMs, blend, isFull);
    for (const peer of this.#activeStrangers) {
      want(peer, elapsedMs, blend, isFull);
      strangers.wanted += peer.wanted;
    }
    const level = levelOf(pool, strangers.wanted > 0 ? [...this.#active, strangers] : this.#active);
    const strangersLevel = levelOf(Math.min(pool, level * strangers.weight), this.#activeStrangers);
    let left = pool;
    for (const peer of this.#active) left -= this.#pay(peer, peer.weight * level, this.#active);
    for (const peer of this.#activeStrangers) left -= this.#pay(peer, strangersLevel, this.#activeStrangers);
    const ticks = Math.max(2, aheadMs / elapsedMs);
    this.#carry = isFull ? Math.min(left, earned * mostCarried) : 0;
    this.#most = earned * ticks;
    this.#mostPerWeight = level * ticks;
    this.#mostByStranger = strangersLevel * ticks;
  }

  #pay(peer: Peer, most: number, active: Set<Peer>): number {
    const paid = Math.min(peer.owed, most);
    peer.owed -= paid;
    if (peer.owed > 0 || peer.rate >= leastRate) return paid;
    active.delete(peer);
    if (peer.hasLeft) this.#peers.delete(peer.key);
    return paid;
  }

  #forget(): void {
    for (const active of [this.#active, this.#activeStrangers]) {
      for (const peer of active) {
        Object.assign(peer, { owed: 0, rate: 0, fresh: 0 });
        if (peer.hasLeft) this.#peers.delete(peer.key);
      }
      active.clear();
    }
    this.#carry = 0;
    this.#most = Infinity;
    this.#mostPerWeight = Infinity;
    this.#mostByStranger = Infinity;
  }

  #remove(peer: Peer): void {
    this.#held.delete(peer);
    this.#active.delete(peer);
    this.#activeStrangers.delete(peer);
    this.#peers.delete(peer.key);
  }
}

const nothing = { owed: 0, wanted: 0, rate: 0, fresh: 0 };

function want(peer: Peer, elapsedMs: number, blend: number, isFull: boolean): void {
  peer.rate += blend * (peer.fresh / elapsedMs - peer.rate);
  peer.fresh = 0;
  peer.wanted = isFull ? Math.max(peer.owed, peer.rate * elapsedMs * appetite) : peer.owed;
}

/** Where all is paid and something is left, the level is as high as those who wanted most could have made it. */
function levelOf(pool: number, demands: Iterable<Demand>): number {
  const level = waterLevel(pool, demands);
  if (level !== Infinity) return level;
  let [highest, left, weights] = [0, pool, 0];
  for (const { wanted, weight } of demands) {
    highest = Math.max(highest, wanted / weight);
    left -= wanted;
  }
  for (const { wanted, weight } of demands) if (wanted / weight >= highest / 2) weights += weight;
  return highest === 0 ? Infinity : highest + left / weights;
}
