import type { Session } from '../session/session.js';
import type { CompressMeasure } from './compress-core.js';
import { PaceCore } from './pace-core.js';
import type { Dispatch, SchedulerCore } from './scheduler-core.js';
import type { SendLimit } from './send-options.js';
import { StageWaits, type SendStage } from './stage-waits.js';

export interface RecordPumpOptions<Source> {
  readonly session: Pick<Session, 'lanes' | 'hasRoom' | 'isFull'>;
  readonly scheduler: SchedulerCore<Source>;
  readonly limit?: SendLimit | undefined;
  /** Puts a record on a lane that has room. */
  submit(lane: number, dispatch: Dispatch<Source>): void;
  /** What is waited for while lanes and window have room and there is nothing to send now. */
  starved(): SendStage;
  /** Called after each turn. */
  onMeasured?(measure: CompressMeasure, now: number): void;
  /** It is time for another turn: the limit has changed, or what was waited for is there. */
  onTurn(): void;
}

/** Gives each lane that has room the records that the scheduler has for it, no faster than the limit, and notes what is waited for. */
export class RecordPump<Source> {
  readonly pace: PaceCore;
  readonly #options: RecordPumpOptions<Source>;
  readonly #waits = new StageWaits();
  readonly #leaveLimit: (() => void) | undefined;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RecordPumpOptions<Source>) {
    this.#options = options;
    const { limit, onTurn } = options;
    this.pace = new PaceCore(limit?.bytesPerSecond);
    this.#leaveLimit = limit?.onChange(() => {
      this.pace.setRate(limit.bytesPerSecond, performance.now());
      onTurn();
    });
  }

  /** How long was waited for what, in milliseconds. */
  get waits(): Readonly<Record<SendStage, number>> {
    return this.#waits.ms;
  }

  /** From now on somebody else sends, and this is what he waits for. */
  handleWait(stage: SendStage | undefined): void {
    this.#waits.handle(stage, performance.now());
  }

  /** Submits records while lanes and window have room. */
  turn(): void {
    if (this.#over) return;
    const { session, scheduler, submit, onMeasured } = this.#options;
    const lanes = [...session.lanes];
    let isPaused = false;
    for (let progress = true; progress;) {
      progress = false;
      // A record each in turn, so that no lane takes all there is.
      for (const lane of lanes) {
        const now = performance.now();
        isPaused = this.pace.waitMs(now) > 0;
        if (this.#isOver() || isPaused || !session.hasRoom(lane)) continue;
        const dispatch = scheduler.pollSend(lane, now, Math.floor(this.pace.recordBytes));
        if (!dispatch) continue;
        this.pace.reserve(dispatch.piece.bytes, now);
        submit(lane, dispatch);
        progress = true;
      }
    }
    const now = performance.now();
    this.#waits.handle(isPaused ? 'limit' : this.#waitsFor(lanes), now);
    onMeasured?.(this.#measure(), now);
    this.#wakeLater(isPaused, now);
  }

  /** Fewer bytes went than were reserved: what compressing saved does not count towards the pace. */
  handleSealed(bytes: number, sealedBytes: number): void {
    if (sealedBytes < bytes) this.pace.reserve(sealedBytes - bytes, performance.now());
  }

  close(): void {
    this.#over = true;
    this.#leaveLimit?.();
    clearTimeout(this.#timer);
  }

  /** Asked behind a call, where what the compiler knows of the field is out of date. */
  #isOver(): boolean {
    return this.#over;
  }

  /** Why nothing more was submitted. */
  #waitsFor(lanes: readonly number[]): SendStage | undefined {
    const { session, scheduler, starved } = this.#options;
    if (scheduler.isExhausted) return scheduler.inFlightRecords > 0 ? 'window' : undefined;
    if (!scheduler.hasRoom) return 'window';
    if (lanes.some((lane) => session.hasRoom(lane) && !scheduler.isLimited(lane))) return starved();
    const waitsForNetwork = (lane: number) => scheduler.isLimited(lane) || session.isFull(lane);
    return lanes.every(waitsForNetwork) ? 'network' : 'seal';
  }

  #measure(): CompressMeasure {
    const { network, limit, seal: sealMs } = this.#waits.ms;
    return { networkMs: network + limit, sealMs, bytesPerSecond: this.#options.scheduler.bytesPerSecond };
  }

  /** An idle lane looks again when it may copy what lags, and all do when the pace allows more. */
  #wakeLater(isPaused: boolean, now: number): void {
    clearTimeout(this.#timer);
    if (this.#over) return;
    const { scheduler, onTurn } = this.#options;
    const waitMs = isPaused ? this.pace.waitMs(now) : (scheduler.nextWakeup(now) ?? Infinity) - now;
    if (waitMs < Infinity) this.#timer = setTimeout(onTurn, Math.max(1, waitMs));
  }
}
