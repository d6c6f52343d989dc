import type { FuzzRandom } from '../support/fuzz-random.js';
import type { VirtualClock } from './virtual-clock.js';

/** A record on a lane, as far as the cores look into it. */
export type Unit =
  | {
      readonly kind: 'control';
      readonly number: number;
      readonly acknowledged: number;
      readonly body: Uint8Array;
    }
  | {
      readonly kind: 'content';
      readonly number: number;
      readonly entry: number;
      readonly offset: number;
      readonly bytes: number;
    };

/** What a lane is like. Rates in bytes a millisecond, times in milliseconds. */
export interface LaneShape {
  rate: number;
  delay: number;
  jitter: number;
  /** What may wait on this side before `hasRoom` says no. */
  readonly queueBytes: number;
}

/** What a record has beside its body. */
const overheadBytes = 64;

/** One direction of a lane: in order, at a rate, with a delay. */
class Pipe {
  readonly #clock: VirtualClock;
  readonly #random: FuzzRandom;
  readonly #shape: LaneShape;
  readonly #queue: { readonly unit: Unit; readonly bytes: number }[] = [];
  #busy = false;
  #dead = false;
  #stalledUntil = 0;
  #lastArrival = 0;
  queuedBytes = 0;
  deliver: (unit: Unit) => void = () => undefined;
  onRoom: () => void = () => undefined;

  constructor(clock: VirtualClock, random: FuzzRandom, shape: LaneShape) {
    this.#clock = clock;
    this.#random = random;
    this.#shape = shape;
  }

  send(unit: Unit): void {
    if (this.#dead) return;
    const bytes = overheadBytes + (unit.kind === 'content' ? unit.bytes : unit.body.length);
    this.#queue.push({ unit, bytes });
    this.queuedBytes += bytes;
    this.#transmit();
  }

  stall(ms: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.#clock.now + ms);
  }

  /** What is under way is lost. */
  kill(): void {
    this.#dead = true;
    this.#queue.length = 0;
    this.queuedBytes = 0;
  }

  #transmit(): void {
    const head = this.#queue[0];
    if (this.#busy || this.#dead || !head) return;
    this.#busy = true;
    const waits = Math.max(0, this.#stalledUntil - this.#clock.now);
    this.#clock.after(waits + head.bytes / this.#shape.rate, () => {
      this.#busy = false;
      if (this.#dead) return;
      this.#queue.shift();
      this.queuedBytes -= head.bytes;
      this.#arriveLater(head.unit);
      this.#transmit();
      this.onRoom();
    });
  }

  #arriveLater(unit: Unit): void {
    const { delay, jitter } = this.#shape;
    const late = (jitter * this.#random.below(1000)) / 1000;
    this.#lastArrival = Math.max(this.#lastArrival, this.#clock.now + delay + late);
    this.#clock.after(this.#lastArrival - this.#clock.now, () => {
      if (!this.#dead) this.deliver(unit);
    });
  }
}

/** A lane with both its directions, and what a test may do to it. */
export class SimLane {
  readonly number: number;
  readonly shape: LaneShape;
  readonly forward: Pipe;
  readonly back: Pipe;
  readonly #clock: VirtualClock;
  isDead = false;
  stalledUntil = 0;

  constructor(number: number, clock: VirtualClock, random: FuzzRandom, shape: LaneShape) {
    this.number = number;
    this.shape = shape;
    this.#clock = clock;
    this.forward = new Pipe(clock, random, shape);
    this.back = new Pipe(clock, random, shape);
  }

  get hasRoom(): boolean {
    return this.forward.queuedBytes < this.shape.queueBytes;
  }

  get isHealthy(): boolean {
    return !this.isDead && this.#clock.now >= this.stalledUntil;
  }

  /** Nothing moves for so long, both ways. */
  stall(ms: number): void {
    this.stalledUntil = Math.max(this.stalledUntil, this.#clock.now + ms);
    this.forward.stall(ms);
    this.back.stall(ms);
  }

  kill(): void {
    this.isDead = true;
    this.forward.kill();
    this.back.kill();
  }
}
