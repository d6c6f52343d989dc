import { ControlChannel } from '../../src/session/control-channel.js';
import type { FuzzRandom } from '../support/fuzz-random.js';
import { SchedulerCore } from '../../src/transfer/scheduler-core.js';
import { SimAudit } from './sim-audit.js';
import type { SimLane } from './sim-lane.js';
import { decodeSim, encodeSim, type SimMessage } from './sim-messages.js';
import type { VirtualClock } from './virtual-clock.js';

export interface SimLimits {
  readonly windowBytes: number;
  readonly mostRecords: number;
  readonly recordBytes: number;
}

/** Batches that the receiver has not answered, as in the real sender. */
const batchesAhead = 4;
const entriesOfBatch = 8;

/** The sender's half: the scheduler and the control messages, driven as the session and the content sender do. */
export class SimSender {
  /** What it knows to be written. */
  receivedBytes = 0;
  readonly scheduler: SchedulerCore<number>;
  readonly audit = new SimAudit();
  readonly lanes = new Map<number, SimLane>();
  readonly #clock: VirtualClock;
  readonly #random: FuzzRandom;
  readonly #limits: SimLimits;
  readonly #control: ControlChannel;
  /** Sizes of the entries that are not declared yet. */
  readonly #undeclared: number[];
  readonly #ready: { readonly id: number; readonly size: number; offset: number }[] = [];
  readonly #suspects = new Set<number>();
  #declared = 0;
  #unanswered = 0;
  #ended = false;
  #wakeAt = Infinity;
  isDone = false;
  /** When something last went forward. */
  progressAt = 0;

  constructor(clock: VirtualClock, random: FuzzRandom, limits: SimLimits, sizes: readonly number[]) {
    this.#clock = clock;
    this.#random = random;
    this.#limits = limits;
    this.#undeclared = [...sizes];
    this.scheduler = new SchedulerCore<number>({
      ...limits,
      supply: (most) => this.#supply(most),
      isExhausted: () => this.#isExhausted,
    });
    this.#control = new ControlChannel({
      transmit: (number, acknowledged, body) =>
        [...this.lanes.values()].at(-1)?.forward.send({ kind: 'control', number, acknowledged, body }),
      deliver: (body) => this.#handle(decodeSim(body)),
      onBreach: (error) => {
        throw error;
      },
    });
  }

  get isControlIdle(): boolean {
    return this.#control.isAcknowledged;
  }

  start(): void {
    this.#declareMore();
  }

  handleUp(lane: SimLane): void {
    this.lanes.set(lane.number, lane);
    lane.back.deliver = (unit) => {
      if (unit.kind !== 'control') throw new Error('the receiver sent content');
      const header = { kind: 1, layout: 0, bodyBytes: unit.body.length, entry: unit.number } as const;
      this.#control.handle({ ...header, offset: unit.acknowledged, number: 0 }, unit.body);
    };
    lane.forward.onRoom = () => this.pump();
    this.#control.repeat();
    // What a suspect lane carried while it was alone may go on this one.
    for (const suspect of this.#suspects) this.audit.handleLost(suspect);
    this.scheduler.handleLane(lane.number, 'up');
    this.pump();
  }

  handleDown(lane: SimLane): void {
    if (!this.lanes.delete(lane.number)) return;
    this.audit.handleLost(lane.number);
    this.#suspects.delete(lane.number);
    this.scheduler.handleLane(lane.number, 'down');
    if (this.lanes.size > 0) this.#control.repeat();
    this.pump();
  }

  handleSuspect(lane: SimLane): void {
    if (!this.lanes.has(lane.number)) return;
    if (this.lanes.size > 1) this.audit.handleLost(lane.number);
    this.scheduler.handleSuspect(lane.number);
    this.#suspects.add(lane.number);
    this.pump();
  }

  handleAlive(lane: SimLane): void {
    this.#suspects.delete(lane.number);
    this.scheduler.handleAlive(lane.number);
    this.pump();
  }

  beat(): void {
    for (const { forward } of this.lanes.values())
      forward.send({
        kind: 'control',
        number: 0,
        acknowledged: this.#control.delivered,
        body: new Uint8Array(),
      });
  }

  pump(): void {
    for (let progress = true; progress;) {
      progress = false;
      for (const [number, lane] of this.lanes) {
        if (!lane.hasRoom) continue;
        const dispatch = this.scheduler.pollSend(number, this.#clock.now);
        if (!dispatch) continue;
        if (this.#suspects.has(number) && this.#suspects.size < this.lanes.size)
          throw new Error(`the suspect lane ${number} gets record ${dispatch.number}`);
        this.audit.handleDispatch(number, dispatch, this.#clock.now, this.#isExhausted);
        this.#checkWindow();
        const { source, offset, bytes } = dispatch.piece;
        lane.forward.send({ kind: 'content', number: dispatch.number, entry: source, offset, bytes });
        progress = true;
      }
    }
    this.#endIfRead();
    this.#wakeLater();
  }

  get #isExhausted(): boolean {
    return this.#undeclared.length === 0 && this.#ready.length === 0;
  }

  #checkWindow(): void {
    const { windowBytes, recordBytes, mostRecords } = this.#limits;
    const { inFlightBytes, inFlightRecords } = this.scheduler;
    if (inFlightBytes >= windowBytes + recordBytes || inFlightRecords > mostRecords)
      throw new Error(`${inFlightBytes} bytes in ${inFlightRecords} records are in flight`);
    if (inFlightBytes !== this.audit.unacknowledgedBytes || inFlightRecords !== this.audit.unacknowledged)
      throw new Error('the scheduler lost count of what is in flight');
  }

  #supply(most: number) {
    const entry = this.#ready[0];
    if (!entry) return undefined;
    const bytes = Math.min(most, entry.size - entry.offset);
    const piece = { source: entry.id, offset: entry.offset, bytes };
    entry.offset += bytes;
    if (entry.offset === entry.size) {
      this.#ready.shift();
      this.#say({ type: 'finished', id: entry.id });
    }
    return piece;
  }

  #declareMore(): void {
    while (this.#unanswered < batchesAhead && this.#undeclared.length > 0) {
      const sizes = this.#undeclared.splice(0, 1 + this.#random.below(entriesOfBatch));
      this.#unanswered++;
      this.#say({ type: 'manifest', sizes, pad: 'x'.repeat(this.#random.below(20_000)) });
      for (const size of sizes) this.#ready.push({ id: this.#declared++, size, offset: 0 });
    }
  }

  #endIfRead(): void {
    if (this.#ended || !this.#isExhausted) return;
    this.#ended = true;
    this.#say({ type: 'end', entries: this.#declared, records: this.scheduler.count });
  }

  #say(message: SimMessage): void {
    this.#control.say(encodeSim(message));
  }

  #handle(message: SimMessage): void {
    this.progressAt = this.#clock.now;
    if (message.type === 'committed') this.isDone = true;
    else if (message.type === 'declared') {
      this.#unanswered--;
      this.#declareMore();
    } else if (message.type === 'received') for (const range of message.ranges) this.#settle(...range);
    else if (message.type === 'again') {
      for (const [from, to] of message.ranges) {
        for (let number = from; number < to; number++) this.audit.handleAgain(number);
        if (!this.scheduler.handleAgain(from, to)) throw new Error('an honest `again` is refused');
      }
    }
    this.pump();
  }

  #settle(from: number, to: number): void {
    for (let number = from; number < to; number++) this.audit.handleReceived(number);
    const settled = this.scheduler.handleReceived(from, to, this.#clock.now);
    if (!settled) throw new Error('an honest acknowledgement is refused');
    for (const { bytes } of settled) this.receivedBytes += bytes;
  }

  #wakeLater(): void {
    const at = this.scheduler.nextWakeup(this.#clock.now);
    if (at === undefined || at >= this.#wakeAt) return;
    this.#wakeAt = at;
    this.#clock.after(at - this.#clock.now, () => {
      if (this.#wakeAt === at) this.#wakeAt = Infinity;
      this.pump();
    });
  }
}
