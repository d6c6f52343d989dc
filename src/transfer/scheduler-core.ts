import { LaneRate } from './lane-rate.js';
import { delayOf, limitOf, recordBytesOf, type LaneState, type OpenRecord } from './lane-state.js';
import { tailCopy, type TailCopy } from './tail-copy.js';

/** Content that goes into one record. Bytes: of its body, or what is expected of it. */
export interface Piece<Source> {
  readonly source: Source;
  readonly offset: number;
  readonly bytes: number;
}

export interface Dispatch<Source> {
  /** The record's number in the transfer; a copy has that of the first. */
  readonly number: number;
  readonly piece: Piece<Source>;
  readonly isRepeat: boolean;
}

/** A record that the receiver has; `bytes` are those that it turned out to have. */
export interface Settled<Source> {
  readonly source: Source;
  readonly bytes: number;
}

export interface SchedulerOptions<Source> {
  /** Content sent and not acknowledged, at most; the last record may go past it. */
  readonly windowBytes: number;
  /** It grows to so many times the lanes' bandwidth × delay, but no further than this. Default: it does not grow. */
  readonly growth?: { readonly products: number; readonly maxBytes: number };
  readonly mostRecords: number;
  readonly recordBytes: number;
  /** Number of the first record. Default: 0. */
  readonly firstNumber?: number | undefined;
  /** The next piece of at most so many bytes (a packed one may have another size), if there is one now. */
  supply(mostBytes: number): Piece<Source> | undefined;
  /** Whether `supply` will never give anything again. */
  isExhausted(): boolean;
}

/** The window's head is copied to another lane when it has waited two delays, but at least this long. */
const leastLagMs = 200;

/** What a lane carries, and has carried. */
export interface LaneLoad {
  readonly receivedBytes: number;
  readonly inFlightBytes: number;
  /** The shortest time to an acknowledgement of late; undefined until there was one. */
  readonly delayMs: number | undefined;
}

/**
 * One queue of records and any number of lanes that pull from it (DESIGN §7): a sans-IO core. A lane pulls up to three times
 * its bandwidth × delay, so the faster one carries more; what a lost lane had under way goes to the others, an idle one
 * sends a copy of what holds the window up, and at the end copies of what others would bring later. Memory is that of the
 * window.
 *
 * Calls: `handleLane` as lanes come and go, `handleSuspect` and `handleAlive` as they fall silent and are heard,
 * `handleRest` for those that shall do nothing for a while, `handleRoundTrip` now and then,
 * `pollSend` for a lane with room until it gives nothing, `handleReceived` for each acknowledgement; after each `handle*`
 * poll again. `nextWakeup` says when to poll although nothing happened.
 */
export class SchedulerCore<Source> {
  readonly #options: SchedulerOptions<Source>;
  readonly #lanes = new Map<number, LaneState>();
  /** By number, which is the order of insertion: the first is the window's head. */
  readonly #open = new Map<number, OpenRecord<Source>>();
  /** Numbers that no lane carries, in order. */
  #homeless: number[] = [];
  #next: number;
  readonly #carried = new Map<number, number>();
  #bytes = 0;

  constructor(options: SchedulerOptions<Source>) {
    this.#options = options;
    this.#next = options.firstNumber ?? 0;
  }

  /** The number behind that of the last record. */
  get count(): number {
    return this.#next;
  }

  get inFlightBytes(): number {
    return this.#bytes;
  }

  get inFlightRecords(): number {
    return this.#open.size;
  }

  /** Whether the window takes another record. */
  get hasRoom(): boolean {
    return this.#bytes < this.#windowBytes && this.#open.size < this.#options.mostRecords;
  }

  get #windowBytes(): number {
    const { windowBytes, growth } = this.#options;
    if (!growth || this.#bytes < windowBytes) return windowBytes;
    let products = 0;
    for (const { rate } of this.#lanes.values()) products += (rate.bytesPerMs ?? 0) * (rate.delayMs ?? 0);
    return Math.max(windowBytes, Math.min(products * growth.products, growth.maxBytes));
  }

  /** Whether there is nothing left that was never sent. */
  get isExhausted(): boolean {
    return this.#homeless.length === 0 && this.#options.isExhausted();
  }

  /** The most content that a new record on this lane gets. */
  recordBytes(lane: number): number {
    const state = this.#lanes.get(lane);
    const { recordBytes } = this.#options;
    return state ? recordBytesOf(state, recordBytes) : recordBytes;
  }

  /** Whether the lane has as much under way as its bandwidth × delay allows, or gets nothing for another reason. */
  isLimited(lane: number): boolean {
    const state = this.#lanes.get(lane);
    return state === undefined || this.#isLimited(state);
  }

  /** By the number of the lane. */
  get loads(): ReadonlyMap<number, LaneLoad> {
    const loads = new Map<number, LaneLoad>();
    for (const [lane, { receivedBytes, bytes, rate }] of this.#lanes)
      loads.set(lane, { receivedBytes, inFlightBytes: bytes, delayMs: rate.delayMs });
    return loads;
  }

  /** Content that came on each lane, those that are gone included. */
  get carried(): ReadonlyMap<number, number> {
    return this.#carried;
  }

  /** Measured bytes a second of all lanes together; 0 until there is a measurement. */
  get bytesPerSecond(): number {
    let sum = 0;
    for (const { rate } of this.#lanes.values()) sum += (rate.bytesPerMs ?? 0) * 1000;
    return sum;
  }

  handleLane(lane: number, state: 'up' | 'down'): void {
    if (state === 'down') {
      this.#disown(lane);
      this.#lanes.delete(lane);
      return;
    }
    this.#lanes.set(lane, {
      ...{ rate: new LaneRate(), roundTripMs: 0, underWay: new Set(), bytes: 0, receivedBytes: 0 },
      ...{ progressAt: -Infinity, isSuspect: false, isResting: false },
    });
    // What a lane that was alone may have lost has somewhere to go now.
    for (const [other, { isSuspect }] of this.#lanes) if (isSuspect) this.#disown(other);
  }

  /** The lane may be dead: what it has under way goes to the others as well, once there are any, and it gets nothing more. */
  handleSuspect(lane: number): void {
    const state = this.#lanes.get(lane);
    if (!state) return;
    state.isSuspect = true;
    if (this.#lanes.size > 1) this.#disown(lane);
  }

  /** The lane gets nothing more as long as there is one that does not rest; what it has under way stays its own. */
  handleRest(lane: number, isResting: boolean): void {
    const state = this.#lanes.get(lane);
    if (state) state.isResting = isResting;
  }

  /** What the lane's transport finds the least round trip of its path to be, in milliseconds; 0 where it does not know. */
  handleRoundTrip(lane: number, ms: number): void {
    const state = this.#lanes.get(lane);
    if (state) state.roundTripMs = ms;
  }

  /** The lane was heard again. */
  handleAlive(lane: number): void {
    const state = this.#lanes.get(lane);
    if (state) state.isSuspect = false;
  }

  /** The next record for this lane, if it should send one now; a new one has at most `mostBytes`. */
  pollSend(lane: number, now: number, mostBytes = Infinity): Dispatch<Source> | undefined {
    const state = this.#lanes.get(lane);
    if (!state || this.#isLimited(state)) return undefined;
    const record = this.#takeHomeless() ?? this.#takeNew(state, mostBytes) ?? this.#takeCopy(lane, now);
    if (!record) return undefined;
    const isRepeat = record.sentAt >= 0;
    if (state.underWay.size === 0) state.progressAt = now;
    record.carriers.set(lane, state.rate.handleSent(now, state.underWay.size === 0));
    record.sentAt = now;
    record.isRepeated = isRepeat;
    state.underWay.add(record.number);
    state.bytes += record.bytes;
    return { number: record.number, piece: record.piece, isRepeat };
  }

  /** When a lane with room may copy something; undefined where no time brings anything, but what is handled may. */
  nextWakeup(now: number): number | undefined {
    const head = this.#head();
    if (!head || this.#lanes.size < 2) return undefined;
    // What is late already waits for a lane with room.
    const times = [this.#headCopyAt(head), ...this.#tailCopies(now).map(({ at }) => at)].filter(
      (at) => at > now && at < Infinity,
    );
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** There was less content than expected. */
  handleShort(number: number, bytes: number): void {
    const record = this.#open.get(number);
    if (!record || bytes >= record.bytes) return;
    for (const lane of record.carriers.keys()) {
      const state = this.#lanes.get(lane);
      if (state) state.bytes -= record.bytes - bytes;
    }
    this.#bytes -= record.bytes - bytes;
    record.bytes = bytes;
  }

  /** Records [from, to) are authenticated and written: gives those that were not known to be. Undefined for a number that was never sent. */
  handleReceived(from: number, to: number, now: number): Settled<Source>[] | undefined {
    if (from >= to || to > this.#next) return undefined;
    const settled: Settled<Source>[] = [];
    // A range may span more numbers than are in flight, so the smaller of the two is walked.
    if (to - from > this.#open.size)
      for (const number of this.#open.keys()) {
        if (number >= from && number < to) this.#settle(number, now, settled);
      }
    else for (let number = from; number < to; number++) this.#settle(number, now, settled);
    return settled;
  }

  /** Records [from, to) did not verify over there. False for a number that was never sent. */
  handleAgain(from: number, to: number): boolean {
    if (from >= to || to > this.#next || to - from > this.#options.mostRecords) return false;
    for (let number = from; number < to; number++) {
      const record = this.#open.get(number);
      if (!record) continue;
      for (const lane of [...record.carriers.keys()]) this.#drop(record, lane);
      this.#makeHomeless(number);
    }
    return true;
  }

  #isLimited(state: LaneState): boolean {
    // A lane that is alone has the window for itself.
    if (this.#lanes.size < 2) return false;
    if (state.bytes >= limitOf(state)) return true;
    if (state.isSuspect) return this.#has(({ isSuspect }) => !isSuspect);
    return state.isResting && this.#has(({ isSuspect, isResting }) => !isSuspect && !isResting);
  }

  #has(matches: (state: LaneState) => boolean): boolean {
    for (const state of this.#lanes.values()) if (matches(state)) return true;
    return false;
  }

  #takeHomeless(): OpenRecord<Source> | undefined {
    const number = this.#homeless.shift();
    return number === undefined ? undefined : this.#open.get(number);
  }

  #takeNew(state: LaneState, mostBytes: number): OpenRecord<Source> | undefined {
    if (!this.hasRoom) return undefined;
    const piece = this.#options.supply(Math.min(mostBytes, recordBytesOf(state, this.#options.recordBytes)));
    if (!piece) return undefined;
    const { bytes } = piece;
    const record = { number: this.#next++, piece, bytes, carriers: new Map(), sentAt: -1, isRepeated: false };
    this.#open.set(record.number, record);
    this.#bytes += piece.bytes;
    return record;
  }

  /** For a lane that has nothing else to do: what holds the window up, and at the end what another would bring later. */
  #takeCopy(lane: number, now: number): OpenRecord<Source> | undefined {
    const head = this.#head();
    if (!head || head.carriers.has(lane) || head.carriers.size === 0) return this.#takeTail(lane, now);
    return now >= this.#headCopyAt(head) ? head : this.#takeTail(lane, now);
  }

  #takeTail(lane: number, now: number): OpenRecord<Source> | undefined {
    const copy = this.#tailCopy(lane, now);
    return copy && copy.at <= now ? copy.record : undefined;
  }

  #tailCopy(lane: number, now: number): TailCopy<Source> | undefined {
    return this.#options.isExhausted()
      ? tailCopy(lane, { lanes: this.#lanes, open: this.#open, now })
      : undefined;
  }

  #tailCopies(now: number): TailCopy<Source>[] {
    const lanes = [...this.#lanes].filter(([, state]) => !this.#isLimited(state));
    return lanes.flatMap(([lane]) => this.#tailCopy(lane, now) ?? []);
  }

  #head(): OpenRecord<Source> | undefined {
    for (const record of this.#open.values()) return record;
    return undefined;
  }

  /** Infinity: all lanes have it. */
  #headCopyAt({ carriers, sentAt }: OpenRecord<Source>): number {
    if (carriers.size >= this.#lanes.size) return Infinity;
    let delay = 0;
    for (const lane of carriers.keys()) delay = Math.max(delay, delayIn(this.#lanes.get(lane)));
    return sentAt + Math.max(2 * delay, leastLagMs);
  }

  #settle(number: number, now: number, settled: Settled<Source>[]): void {
    const record = this.#open.get(number);
    if (!record) return;
    const share = record.bytes / Math.max(1, record.carriers.size);
    for (const [lane, sending] of [...record.carriers]) {
      const state = this.#lanes.get(lane);
      // Of several that carry it nobody knows which brought it.
      if (state) state.receivedBytes += share;
      this.#carried.set(lane, (this.#carried.get(lane) ?? 0) + share);
      if (state && !record.isRepeated) {
        state.rate.handleDelivered(record.bytes, sending, now);
        state.progressAt = now;
      }
      this.#drop(record, lane);
    }
    const homeless = this.#homeless.indexOf(number);
    if (homeless >= 0) this.#homeless.splice(homeless, 1);
    this.#open.delete(number);
    this.#bytes -= record.bytes;
    settled.push({ source: record.piece.source, bytes: record.bytes });
  }

  #disown(lane: number): void {
    for (const number of [...(this.#lanes.get(lane)?.underWay ?? [])]) {
      const record = this.#open.get(number);
      if (!record) continue;
      this.#drop(record, lane);
      if (record.carriers.size === 0) this.#makeHomeless(number);
    }
  }

  #drop(record: OpenRecord<Source>, lane: number): void {
    const state = this.#lanes.get(lane);
    record.carriers.delete(lane);
    if (!state?.underWay.delete(record.number)) return;
    state.bytes -= record.bytes;
  }

  #makeHomeless(number: number): void {
    if (this.#homeless.includes(number)) return;
    this.#homeless.push(number);
    this.#homeless.sort((a, b) => a - b);
  }
}

const delayIn = (state: LaneState | undefined): number => (state && delayOf(state)) ?? 0;
