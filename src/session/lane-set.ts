import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import { resetCode, type Retain, type Stream } from '../transport/contract.js';
import type { ContentDone, ContentJob } from './content-job.js';
import { controlLane } from './control-lane.js';
import type { NumberedMessage } from './control-log.js';
import type { DirectionKeys } from './keys.js';
import { Lane, type SealedContent } from './lane.js';
import { Pulse } from './pulse.js';
import { RecordBuffers } from './record-buffers.js';
import type { RecordHeader } from './record-header.js';

const pulseTickMs = 1_000;
/** So often the lane of control records is asked about, where there is another. */
const controlTickMs = 100;
/** The other side ends all lanes at once: one that has not ended so long after the session is dead. */
const leaveMs = 500;
/** And where another has ended in order, by which the other side is known to have heard all. */
const leaveOthersMs = 100;

export interface LaneSetOptions {
  readonly native: NativeApi;
  /** Nothing heard on a lane for this long: it is lost. */
  readonly silenceMs: number;
  /**
   * Control records go on each lane that joins: the other side opens one because those that there are may be dead. Who opens
   * them knows why, and stays: one that is only tried may be slow.
   */
  readonly followsNewest: boolean;
  onControl(header: RecordHeader, body: Uint8Array, retain?: Retain): void;
  onContent(content: SealedContent): void;
  onRoom(lane: number): void;
  /** The highest control message that was delivered: what a sign of life confirms. */
  delivered(): number;
  /** Since when the other side has not confirmed what was said last, or again; undefined: it has all. */
  awaitingSince(): number | undefined;
  /** What was said and is not acknowledged although it should be: it may wait behind content, or its lane is dead. */
  takeLate(now: number): readonly NumberedMessage[];
  /** Control records go on another lane from now on: the one that they went on may be dead. */
  onControlMoved(): void;
  /** Called when the lane is out of the set; `error` unless the other side ended it in order. */
  onLaneEnd(lane: number, error: XferError | undefined): void;
}

interface Member {
  readonly lane: Lane;
  pulse: Pulse | undefined;
  /** Its transport hears nothing of the other side. */
  isSuspect: boolean;
  /** The other side should have been heard on it by now. */
  isLate: boolean;
}

/**
 * The lanes of a session. Control records of the listener go on the newest one, which has just proved that it works, those of the
 * dialer stay where they are, until another one is likelier to be alive (`controlLane`).
 */
export class LaneSet {
  readonly #options: LaneSetOptions;
  readonly #buffers: RecordBuffers;
  readonly #members = new Map<number, Member>();
  #count = 0;
  #goneBytes = 0;
  #control: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #controlTimer: NodeJS.Timeout | undefined;
  #leaving: NodeJS.Timeout | undefined;
  #isFinished = false;
  /** Behind our last word the other side has ended a lane in order. */
  #isLeft = false;
  #controlTickedAt = 0;
  #watching = false;
  #isClosed = false;

  constructor(options: LaneSetOptions) {
    this.#options = options;
    this.#buffers = new RecordBuffers((bytes) => options.native.seal.recordMemory(bytes));
  }

  get numbers(): readonly number[] {
    return [...this.#members.keys()];
  }

  /** Lanes that were ever added. */
  get count(): number {
    return this.#count;
  }

  /** What arrived on all that ever were there. */
  get heardBytes(): number {
    let bytes = this.#goneBytes;
    for (const { lane } of this.#members.values()) bytes += lane.heardBytes;
    return bytes;
  }

  /** `first` is called before anything of the stream is read. */
  add(
    number: number,
    stream: Stream,
    keys: { readonly sealing: DirectionKeys; readonly opening: DirectionKeys },
    leftover: Uint8Array,
    first?: () => void,
  ): void {
    const { native, onControl, onContent, onRoom } = this.#options;
    const handlers = {
      onControl,
      onContent,
      onRoom: () => onRoom(number),
      onEnd: (error?: XferError) => this.#handleEnd(number, error),
    };
    const lane = new Lane({ number, stream, leftover, ...keys, native, buffers: this.#buffers, handlers });
    this.#members.set(number, {
      lane,
      pulse: this.#watching ? this.#newPulse() : undefined,
      isSuspect: false,
      isLate: false,
    });
    this.#count++;
    if (this.#options.followsNewest || !this.#members.has(this.#control ?? -1)) this.#control = number;
    this.#watchControl();
    first?.();
    lane.start();
  }

  /** A stream that became a lane when there is no session any more. */
  refuse(stream: Stream): void {
    stream.reset(resetCode.cancelled);
  }

  /** Control records that `say` sends go on that lane, also where others go on another one. */
  greet(number: number, say: () => void): void {
    const before = this.#control;
    this.#control = number;
    say();
    if (!this.#options.followsNewest && this.#members.has(before ?? -1)) this.#control = before;
  }

  sendControl(number: number, acknowledged: number, body: Uint8Array): void {
    this.#judge();
    this.#members.get(this.#control ?? -1)?.lane.sendControl(number, acknowledged, body);
  }

  /** Says that on the other lanes as well: on this one content may be before it. */
  spread(messages: readonly NumberedMessage[]): void {
    for (const { lane } of this.#members.values()) {
      if (lane.number === this.#control || lane.isFinished) continue;
      for (const { number, body } of messages) lane.sendControl(number, this.#options.delivered(), body);
    }
  }

  /** The lane's transport hears nothing of the other side, or does again. */
  handleSuspect(number: number, isSuspect: boolean): void {
    const member = this.#members.get(number);
    if (!member) return;
    member.isSuspect = isSuspect;
    if (isSuspect) this.#leaveLane(number);
    else this.#judge();
  }

  hasRoom(number: number): boolean {
    return this.#members.get(number)?.lane.hasRoom ?? false;
  }

  isFull(number: number): boolean {
    return this.#members.get(number)?.lane.isFull ?? false;
  }

  sendContent(number: number, job: ContentJob, done: ContentDone, plain: boolean): void {
    const member = this.#members.get(number);
    if (!member) throw new XferError('ERR_XFER_INTERNAL', 'content was sent on a lane that is gone');
    member.lane.sendContent(job, done, plain);
  }

  /** From now on lanes say now and then that they are there, and silent ones are lost. */
  watch(): void {
    this.#watching = true;
    for (const member of this.#members.values()) member.pulse = this.#newPulse();
    this.#timer = setInterval(() => this.#tick(), pulseTickMs);
  }

  /** Ends our direction of a lane behind what was submitted. */
  finish(number: number): void {
    this.#members.get(number)?.lane.finish();
    this.#leaveLane(number);
  }

  /** The same for all. Whichever of them is alive says `last` as well, and that all was heard until now. */
  finishAll(last: readonly NumberedMessage[]): void {
    this.#isFinished = true;
    for (const { lane } of this.#members.values()) {
      if (lane.number !== this.#control)
        for (const { number, body } of last) lane.sendControl(number, this.#options.delivered(), body);
      lane.sendControl(0, this.#options.delivered(), new Uint8Array());
      lane.finish();
    }
  }

  /** The other side has left this lane already. */
  lose(number: number): void {
    this.#members.get(number)?.lane.abort(new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left'));
  }

  abort(error: XferError): void {
    for (const { lane } of this.#members.values()) lane.abort(error);
  }

  /** Nothing is watched any more; lanes that are left end with their streams. */
  close(): void {
    clearInterval(this.#timer);
    clearInterval(this.#controlTimer);
    this.#isClosed = true;
  }

  /** Lanes that are left have a moment to end in order. */
  leave(): void {
    clearTimeout(this.#leaving);
    if (this.#members.size === 0) return;
    const dead = new XferError('ERR_XFER_CONNECTION_LOST', 'the lane did not end with its session');
    this.#leaving = setTimeout(() => this.abort(dead), this.#isLeft ? leaveOthersMs : leaveMs);
  }

  /** The other side may speak on it, for it is the newest: it is to hear us on another one. */
  #leaveLane(number: number): void {
    const before = this.#control;
    this.#judge();
    const isHeardThere = this.#control !== before || before === number;
    const newest = [...this.#members.keys()].at(-1);
    if (!this.#options.followsNewest && number === newest && !isHeardThere) this.#options.onControlMoved();
  }

  /** Control records go on another lane from now on, where that is better. */
  #judge(): void {
    const open = [...this.#members].filter(([, { lane }]) => !lane.isFinished);
    const lanes = open.map(([number, { lane, isSuspect, isLate }]) => ({
      ...{ number, heardAt: lane.heardAt, isDoubtful: isSuspect || isLate },
    }));
    const before = this.#control;
    const awaitingSince = this.#options.awaitingSince();
    const isApart = !this.#options.followsNewest && before !== open.at(-1)?.[0];
    const now = performance.now();
    this.#control = controlLane({ current: before, lanes, awaitingSince, isApart, now });
    if (this.#control === before || this.#control === undefined) return;
    // What went on a lane that is gone is repeated by who is told of its end.
    if (this.#members.has(before ?? -1)) this.#options.onControlMoved();
  }

  #watchControl(): void {
    clearInterval(this.#controlTimer);
    if (this.#members.size < 2 || this.#isClosed) return;
    this.#controlTickedAt = performance.now();
    this.#controlTimer = setInterval(() => {
      const lateMs = performance.now() - this.#controlTickedAt - controlTickMs;
      this.#controlTickedAt = performance.now();
      // This process stood still: what arrived meanwhile is unread yet.
      if (lateMs >= controlTickMs) return;
      this.#judge();
      this.spread(this.#options.takeLate(performance.now()));
    }, controlTickMs);
  }

  #newPulse(): Pulse {
    const { silenceMs } = this.#options;
    return new Pulse({ heartbeatMs: sessionDefaults.heartbeatMs, silenceMs }, performance.now());
  }

  #tick(): void {
    const seconds = Math.round(this.#options.silenceMs / 1000);
    for (const member of this.#members.values())
      member.isLate = member.pulse?.isLate(performance.now()) ?? false;
    this.#judge();
    for (const { lane, pulse } of [...this.#members.values()]) {
      const verdict = pulse?.handleTick(performance.now(), lane.heardBytes, lane.sealedRecords);
      if (verdict === 'beat') lane.sendControl(0, this.#options.delivered(), new Uint8Array());
      if (verdict === 'dead')
        lane.abort(
          new XferError('ERR_XFER_CONNECTION_LOST', `nothing was heard from the other side for ${seconds} s`),
        );
    }
  }

  #handleEnd(number: number, error: XferError | undefined): void {
    const member = this.#members.get(number);
    if (!member) return;
    this.#members.delete(number);
    this.#goneBytes += member.lane.heardBytes;
    this.#isLeft ||= this.#isFinished && !error;
    if (this.#leaving) this.leave();
    this.#watchControl();
    // Ended in order: so does our direction.
    if (!error) member.lane.finish();
    this.#options.onLaneEnd(number, error);
  }
}
