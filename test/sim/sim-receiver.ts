import { ControlChannel } from '../../src/session/control-channel.js';
import { ClaimsCore } from '../../src/transfer/claims-core.js';
import { RangeSet } from '../../src/transfer/range-set.js';
import type { FuzzRandom } from '../support/fuzz-random.js';
import type { SimLane, Unit } from './sim-lane.js';
import { decodeSim, encodeSim, type SimMessage } from './sim-messages.js';
import type { SimLimits } from './sim-sender.js';
import type { VirtualClock } from './virtual-clock.js';

type Content = Extract<Unit, { kind: 'content' }>;

export interface SimReceiverOptions {
  readonly clock: VirtualClock;
  readonly random: FuzzRandom;
  readonly limits: SimLimits;
  /** A record takes up to so long to be written. */
  readonly diskMs: number;
  /** So many records do not verify. */
  readonly tampered: number;
}

/** Acknowledgements wait so long for company. */
const acknowledgeAfterMs = 3;

/** A model of the receiver: claims each record, parks what is not declared, writes, acknowledges. Throws where memory or order is broken. */
export class SimReceiver {
  readonly lanes = new Map<number, SimLane>();
  readonly #options: SimReceiverOptions;
  readonly #control: ControlChannel;
  readonly #claims: ClaimsCore;
  readonly #sizes: number[] = [];
  readonly #written = new Map<number, RangeSet>();
  readonly #parked: Content[] = [];
  readonly #acknowledged = new RangeSet();
  readonly #finished = new Set<number>();
  #heldBytes = 0;
  #heldRecords = 0;
  #tampered: number;
  #acknowledging = false;
  #end: Extract<SimMessage, { type: 'end' }> | undefined;
  isCommitted = false;
  mostHeldBytes = 0;
  writtenBytes = 0;
  copies = 0;

  constructor(options: SimReceiverOptions) {
    this.#options = options;
    this.#tampered = options.tampered;
    this.#claims = new ClaimsCore(options.limits.mostRecords);
    this.#control = new ControlChannel({
      transmit: (number, acknowledged, body) =>
        [...this.lanes.values()].at(-1)?.back.send({ kind: 'control', number, acknowledged, body }),
      deliver: (body) => this.#handle(decodeSim(body)),
      onBreach: (error) => {
        throw error;
      },
    });
  }

  get isControlIdle(): boolean {
    return this.#control.isAcknowledged;
  }

  /** Sizes of the entries as they were declared. */
  get sizes(): readonly number[] {
    return this.#sizes;
  }

  handleUp(lane: SimLane): void {
    this.lanes.set(lane.number, lane);
    lane.forward.deliver = (unit) => this.#arrive(unit);
    this.#control.repeat();
  }

  handleDown(lane: SimLane): void {
    if (this.lanes.delete(lane.number) && this.lanes.size > 0) this.#control.repeat();
  }

  beat(): void {
    for (const { back } of this.lanes.values())
      back.send({
        kind: 'control',
        number: 0,
        acknowledged: this.#control.delivered,
        body: new Uint8Array(),
      });
  }

  #arrive(unit: Unit): void {
    if (unit.kind === 'content') return this.#take(unit);
    const header = { kind: 1, layout: 0, bodyBytes: unit.body.length, entry: unit.number } as const;
    this.#control.handle({ ...header, offset: unit.acknowledged, number: 0 }, unit.body);
  }

  #take(content: Content): void {
    const { windowBytes, recordBytes, mostRecords } = this.#options.limits;
    const claim = this.#claims.claim(content.number);
    if (claim === 'copy') {
      this.copies++;
      return;
    }
    if (claim === 'full') throw new Error('more gaps than the window has records');
    this.#heldRecords++;
    this.#heldBytes += content.bytes;
    this.mostHeldBytes = Math.max(this.mostHeldBytes, this.#heldBytes);
    if (this.#heldBytes >= windowBytes + recordBytes || this.#heldRecords > mostRecords)
      throw new Error(`${this.#heldBytes} bytes in ${this.#heldRecords} records are held`);
    if (this.isCommitted) throw new Error('something is written after the commit');
    if (content.entry < this.#sizes.length) this.#write(content);
    else this.#parked.push(content);
  }

  #write(content: Content): void {
    const { clock, random, diskMs } = this.#options;
    clock.after((diskMs * random.below(1000)) / 1000, () => {
      this.#heldRecords--;
      this.#heldBytes -= content.bytes;
      if (this.#tampered > 0 && random.chance(8)) {
        this.#tampered--;
        this.#claims.giveBack(content.number);
        return this.#say({ type: 'again', ranges: [[content.number, content.number + 1]] });
      }
      const { entry, offset, bytes, number } = content;
      if (offset + bytes > (this.#sizes[entry] ?? 0))
        throw new Error(`entry ${entry} is written past its end`);
      const ranges = this.#written.get(entry) ?? new RangeSet();
      this.#written.set(entry, ranges);
      if (!ranges.claim(offset, offset + bytes)) throw new Error(`bytes of entry ${entry} are written twice`);
      this.writtenBytes += bytes;
      if (!this.#acknowledged.claim(number, number + 1)) throw new Error('a record is acknowledged twice');
      this.#acknowledgeLater();
      this.#commitIfDone();
    });
  }

  #acknowledgeLater(): void {
    if (this.#acknowledging) return;
    this.#acknowledging = true;
    this.#options.clock.after(acknowledgeAfterMs, () => {
      this.#acknowledging = false;
      if (!this.#control.hasRoom) return this.#acknowledgeLater();
      this.#flush();
    });
  }

  #flush(): void {
    const ranges = this.#acknowledged.take();
    if (ranges.length > 0) this.#say({ type: 'received', ranges });
  }

  #handle(message: SimMessage): void {
    if (this.#end) throw new Error('something comes behind the end');
    if (message.type === 'manifest') {
      this.#sizes.push(...message.sizes);
      for (const content of this.#parked.splice(0)) {
        if (content.entry < this.#sizes.length) this.#write(content);
        else this.#parked.push(content);
      }
      this.#say({ type: 'declared' });
    } else if (message.type === 'finished') {
      if (message.id >= this.#sizes.length || this.#finished.has(message.id))
        throw new Error('what is not under way is finished');
      this.#finished.add(message.id);
    } else if (message.type === 'end') this.#end = message;
    this.#commitIfDone();
  }

  #commitIfDone(): void {
    const total = this.#sizes.reduce((sum, size) => sum + size, 0);
    if (!this.#end || this.isCommitted || this.writtenBytes !== total) return;
    if (!this.#claims.isWhole(this.#end.records) || this.#end.entries !== this.#sizes.length)
      throw new Error('all is written, and the records or entries are other than were counted');
    if (this.#finished.size !== this.#sizes.length)
      throw new Error('the end comes before a file is finished');
    this.isCommitted = true;
    this.#flush();
    this.#say({ type: 'committed' });
  }

  #say(message: SimMessage): void {
    this.#control.say(encodeSim(message));
  }
}
