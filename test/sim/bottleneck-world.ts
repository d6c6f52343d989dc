import type { ControllerFactory } from '../../plugins/udp/src/congestion/controller.js';
import { FuzzRandom } from '../support/fuzz-random.js';
import { Bottleneck, runFlows, type Moment } from './bottleneck.js';
import { BottleneckFlow, type FlowOptions } from './bottleneck-flow.js';

export interface WorldOptions {
  readonly seed: number;
  /** Bits a second, in millions. */
  readonly mbit: number;
  readonly rttMs: number;
  /** The queue's room in products of rate and round trip. */
  readonly buffer: number;
  readonly loss?: number;
}

/** Flows that share one link, all of it decided by a seed. */
export class BottleneckWorld {
  readonly link: Bottleneck;
  readonly flows: BottleneckFlow[] = [];
  readonly random: () => number;
  readonly #rttMs: number;

  constructor({ seed, mbit, rttMs, buffer, loss = 0 }: WorldOptions) {
    const words = new FuzzRandom(seed);
    this.random = () => words.word() / 2 ** 32;
    this.#rttMs = rttMs;
    const rate = mbit * bytesOfMbit;
    this.link = new Bottleneck({
      rate,
      bufferBytes: (buffer * rate * rttMs) / 1000,
      loss,
      random: this.random,
    });
  }

  add(controller: ControllerFactory, options: Partial<FlowOptions> = {}): BottleneckFlow {
    const { link, random } = this;
    const flow = new BottleneckFlow({ link, random, controller, rttMs: this.#rttMs, ...options });
    this.flows.push(flow);
    return flow;
  }

  run(untilMs: number, moments: readonly Moment[] = []): void {
    runFlows(this.flows, untilMs, moments);
  }

  /** Part of the link's present rate that the flow had between two moments. */
  share(flow: BottleneckFlow, fromMs: number, toMs: number): number {
    return flow.rateBetween(fromMs, toMs) / this.link.rate;
  }
}

export const bytesOfMbit = 125_000;
