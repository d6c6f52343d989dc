import type { BottleneckFlow } from './bottleneck-flow.js';

export interface BottleneckOptions {
  /** Bytes a second. */
  readonly rate: number;
  readonly bufferBytes: number;
  /** Part of the packets that is lost whatever the queue holds. */
  readonly loss?: number;
  random(): number;
}

/** A link with a drop-tail queue in front of it, in virtual time: packets leave in the order in which they came. */
export class Bottleneck {
  rate: number;
  readonly bufferBytes: number;
  loss: number;
  readonly #random: () => number;
  /** Of those that wait or are being sent, oldest first. */
  readonly #leaving: { at: number; bytes: number }[] = [];
  #first = 0;
  #queuedBytes = 0;
  #freeAt = 0;
  #overflows = 0;

  constructor({ rate, bufferBytes, loss = 0, random }: BottleneckOptions) {
    this.rate = rate;
    this.bufferBytes = bufferBytes;
    this.loss = loss;
    this.#random = random;
  }

  /** Packets that found the queue full. */
  get overflows(): number {
    return this.#overflows;
  }

  /** When the packet has left the link; undefined: it is lost. */
  offer(now: number, bytes: number): number | undefined {
    if (this.queuedBytes(now) + bytes > this.bufferBytes) {
      this.#overflows++;
      return undefined;
    }
    this.#freeAt = Math.max(now, this.#freeAt) + (bytes / this.rate) * 1000;
    this.#leaving.push({ at: this.#freeAt, bytes });
    this.#queuedBytes += bytes;
    return this.#random() < this.loss ? undefined : this.#freeAt;
  }

  queuedBytes(now: number): number {
    for (let next = this.#leaving[this.#first]; next && next.at <= now; next = this.#leaving[this.#first]) {
      this.#queuedBytes -= next.bytes;
      this.#first++;
    }
    if (this.#first > 4096 && this.#first * 2 > this.#leaving.length) {
      this.#leaving.splice(0, this.#first);
      this.#first = 0;
    }
    return this.#queuedBytes;
  }
}

/** A moment at which something other than a packet happens: the rate changes, something is measured. */
export interface Moment {
  readonly at: number;
  act(): void;
}

/** Lets the flows send until `untilMs`, `moments` in between. */
export function runFlows(
  flows: readonly BottleneckFlow[],
  untilMs: number,
  moments: readonly Moment[] = [],
): void {
  const waiting = [...moments].sort((a, b) => a.at - b.at);
  for (;;) {
    let [at, flow]: [number, BottleneckFlow | undefined] = [Infinity, undefined];
    for (const candidate of flows) if (candidate.nextAt < at) [at, flow] = [candidate.nextAt, candidate];
    const moment = waiting[0];
    if (moment && moment.at <= at && moment.at <= untilMs) {
      waiting.shift();
      moment.act();
    } else if (flow && at <= untilMs) flow.step(at);
    else return;
  }
}
