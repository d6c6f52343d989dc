import { muxDefaults, relayDefaults } from '../config/index.js';
import type { RefusalReason } from './refusal-reason.js';

/** As in `muxDefaults` and `relayDefaults`, each. */
export type StreamPoolLimits = Readonly<
  Record<'maxStreamsTotal' | 'maxStreamsPerPeer' | 'leastStreamsPerPeer', number>
>;

/** What a peer that asks for one more stream is. */
export interface PoolMember {
  /** 0: a stranger. */
  readonly weight: number;
  /** That it has open. */
  readonly streams: number;
  /** In place of `maxStreamsPerPeer`. */
  readonly most?: number | undefined;
}

/**
 * How many streams each peer may have open at once: a sans-IO core. There is one pool. A listed peer that is connected may
 * have the part of it that its weight has among those of all that are; strangers together have a fixed part, where any peer
 * is listed, and divide it evenly. Nobody's part falls below `leastStreamsPerPeer`, which lanes of a few sessions take, nor
 * goes past `maxStreamsPerPeer`. A part that shrinks as others come ends no stream: it only opens no more. So that a peer
 * of weight does not find the pool full of what lighter ones opened before it came, the last `leastStreamsPerPeer` of the
 * listed part are for those who have fewer than that, and weigh more than the listed streams there are do on average.
 *
 * Calls: `enter` and `leave` as peers come and go, `handleOpen` and `handleClose` for their streams. Everything O(1).
 */
export class StreamPoolCore {
  readonly #limits: StreamPoolLimits;
  /** Of the pool, in parts of one: strangers have the rest. 0: nobody is listed. */
  #listedPart = 0;
  /** Of the listed peers that are connected. */
  #weights = 0;
  #strangers = 0;
  #streams = 0;
  #strangersStreams = 0;
  /** The weights of listed peers, each once for every stream. */
  #streamWeights = 0;

  constructor(limits: Partial<StreamPoolLimits> = {}) {
    this.#limits = { ...muxDefaults, ...relayDefaults, ...limits };
  }

  get streams(): number {
    return this.#streams;
  }

  /** So much of the pool strangers never have; streams that they have already go on. */
  setListedPart(part: number): void {
    this.#listedPart = Math.min(1, Math.max(0, part));
  }

  /** A peer of this weight has its first connection, with no stream. */
  enter(weight: number): void {
    if (weight > 0) this.#weights += weight;
    else this.#strangers++;
  }

  /** It has none left, and no stream. */
  leave(weight: number): void {
    if (weight > 0) this.#weights -= weight;
    else this.#strangers--;
  }

  /** What this peer may have open at once, as things are. */
  capOf({ weight, most }: Omit<PoolMember, 'streams'>): number {
    const { maxStreamsPerPeer, leastStreamsPerPeer } = this.#limits;
    const part =
      weight > 0
        ? (this.#listedMost * weight) / Math.max(weight, this.#weights)
        : this.#strangersMost / Math.max(1, this.#strangers);
    return Math.min(most ?? maxStreamsPerPeer, Math.max(leastStreamsPerPeer, Math.floor(part)));
  }

  /** Undefined: it may, and the stream counts until `handleClose`. */
  handleOpen(member: PoolMember): RefusalReason | undefined {
    if (member.streams >= this.capOf(member)) return 'peer-streams';
    if (this.#streams >= this.#limits.maxStreamsTotal) return 'total-streams';
    const isStranger = member.weight <= 0;
    if (isStranger && this.#strangersStreams >= this.#strangersMost) return 'stranger-streams';
    if (!isStranger && !this.#hasRoomFor(member)) return 'listed-streams';
    this.#add(member.weight, 1);
    return undefined;
  }

  /** So many streams of such a peer are over. */
  handleClose(weight: number, streams = 1): void {
    this.#add(weight, -streams);
  }

  /** A peer that is connected has another weight. */
  handleWeight({ weight, streams }: PoolMember, next: number): void {
    this.#add(weight, -streams);
    this.leave(weight);
    this.enter(next);
    this.#add(next, streams);
  }

  get #strangersMost(): number {
    return Math.ceil(this.#limits.maxStreamsTotal * (1 - this.#listedPart));
  }

  get #listedMost(): number {
    const { maxStreamsTotal } = this.#limits;
    return this.#listedPart > 0 ? maxStreamsTotal - this.#strangersMost : maxStreamsTotal;
  }

  /** Of the listed part. */
  #hasRoomFor({ weight, streams }: PoolMember): boolean {
    if (this.#listedPart === 0) return true;
    const least = this.#limits.leastStreamsPerPeer;
    const taken = this.#streams - this.#strangersStreams;
    const left = this.#listedMost - taken;
    // A small pool is not to be all reserve.
    const isPlenty = left > Math.min(least, Math.floor(this.#listedMost * mostReserved));
    return isPlenty || (left > 0 && streams < least && weight * taken > this.#streamWeights);
  }

  #add(weight: number, streams: number): void {
    this.#streams += streams;
    if (weight <= 0) this.#strangersStreams += streams;
    else this.#streamWeights += weight * streams;
  }
}

const mostReserved = 0.1;
