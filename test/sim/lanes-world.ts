import { FuzzRandom } from '../support/fuzz-random.js';
import { SimLane, type LaneShape } from './sim-lane.js';
import { SimReceiver } from './sim-receiver.js';
import { SimSender, type SimLimits } from './sim-sender.js';
import { VirtualClock } from './virtual-clock.js';

export const MiB = 2 ** 20;
const heartbeatMs = 2_000;
/** Nothing heard on a lane for this long: it is lost. */
const silenceMs = 8_000;
/** With a lane that works, something goes forward within this: the silence of one that is not known to be dead included. */
const mostStandstillMs = 20_000;
const mostLanes = 16;

export interface WorldOptions {
  readonly seed: number;
  readonly sizes: readonly number[];
  readonly limits?: Partial<SimLimits>;
  readonly diskMs?: number;
  readonly tampered?: number;
}

/** Two ends and the lanes between them in virtual time. */
export class LanesWorld {
  readonly clock = new VirtualClock();
  readonly random: FuzzRandom;
  readonly sender: SimSender;
  readonly receiver: SimReceiver;
  readonly #total: number;
  #lastLane = -1;
  #healthySince = Infinity;

  constructor({ seed, sizes, limits = {}, diskMs = 2, tampered = 0 }: WorldOptions) {
    this.random = new FuzzRandom(seed);
    const all = { windowBytes: 24 * MiB, mostRecords: 1024, recordBytes: MiB, ...limits };
    this.#total = sizes.reduce((sum, size) => sum + size, 0);
    this.sender = new SimSender(this.clock, this.random, all, sizes);
    this.receiver = new SimReceiver({
      clock: this.clock,
      random: this.random,
      limits: all,
      diskMs,
      tampered,
    });
    this.#beat();
  }

  /** Lanes that are not dead, known to be or not. */
  get living(): SimLane[] {
    return [...this.sender.lanes.values()].filter(({ isDead }) => !isDead);
  }

  add(shape: Partial<LaneShape> = {}): SimLane {
    const whole = { rate: 50_000, delay: 5, jitter: 0, queueBytes: 2 * MiB, ...shape };
    const lane = new SimLane(++this.#lastLane, this.clock, this.random, whole);
    // Before anything that is sent on it can arrive.
    this.clock.after(whole.delay, () => {
      if (!lane.isDead) this.receiver.handleUp(lane);
    });
    this.sender.handleUp(lane);
    return lane;
  }

  /** Both ends find out in their own time, as with a real connection. */
  kill(lane: SimLane): void {
    if (lane.isDead) return;
    lane.kill();
    const within = () => this.random.below(this.random.chance(4) ? silenceMs : 300);
    this.clock.after(within(), () => {
      this.sender.handleDown(lane);
      if (this.sender.lanes.size === 0)
        this.clock.after(this.random.below(2_000), () => this.#reconnect(lane));
    });
    this.clock.after(within(), () => this.receiver.handleDown(lane));
  }

  stall(lane: SimLane, ms: number): void {
    lane.stall(Math.min(ms, silenceMs));
    if (ms >= silenceMs) this.clock.after(silenceMs, () => this.kill(lane));
  }

  addRandom(): void {
    if (this.sender.lanes.size < mostLanes) this.add(this.randomShape());
  }

  randomShape(): LaneShape {
    const { random } = this;
    const rate = 500 * 2 ** random.below(9);
    const delay = random.pick([0.1, 2, 20, 80, 250]);
    return {
      rate,
      delay,
      jitter: random.pick([0, 1, delay / 2]),
      queueBytes: random.pick([0.1, 1, 4]) * MiB,
    };
  }

  /** Runs until all is committed and both ends know. Throws where nothing goes forward although a lane works. */
  run(): void {
    this.sender.start();
    while (!this.isOver) {
      if (!this.clock.step()) throw new Error('nothing is due');
      this.#watch();
    }
    const { audit, scheduler } = this.sender;
    if (this.receiver.writtenBytes !== this.#total) throw new Error('not every byte is written');
    if (this.sender.receivedBytes !== this.#total || scheduler.inFlightRecords !== 0)
      throw new Error('the sender does not know that all is written');
    if (audit.sentBytes !== this.#total + audit.resentBytes + audit.copiedBytes)
      throw new Error('bytes went out that nobody asked for');
    if (audit.resentBytes > audit.lostBytes) throw new Error('more was sent again than was lost');
  }

  get isOver(): boolean {
    return this.sender.isDone && this.sender.isControlIdle;
  }

  #reconnect(after: SimLane): void {
    if (this.sender.lanes.size === 0 && !this.isOver) this.add(after.shape);
  }

  #beat(): void {
    this.clock.after(heartbeatMs, () => {
      if (this.isOver) return;
      this.sender.beat();
      this.receiver.beat();
      this.#beat();
    });
  }

  #watch(): void {
    const { now } = this.clock;
    if (!this.living.some(({ isHealthy }) => isHealthy)) this.#healthySince = Infinity;
    else if (this.#healthySince === Infinity) this.#healthySince = now;
    const since = Math.max(this.#healthySince, this.sender.progressAt);
    if (now - since <= mostStandstillMs) return;
    const { inFlightBytes, inFlightRecords } = this.sender.scheduler;
    const { receivedBytes } = this.sender;
    throw new Error(
      `nothing goes forward since ${since} ms: ${receivedBytes} of ${this.#total} bytes are there, ${inFlightBytes} in ${inFlightRecords} records on the way`,
    );
  }
}
