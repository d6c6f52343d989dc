import { asXferError, XferError } from '../errors/index.js';
import { Gate } from '../transfer/gate.js';
import type { SharedBlock } from './block-pool.js';
import type { PipeWriter } from './channel.js';
import type { Outlet, OutletOptions } from './outlet.js';
import { Standstill } from './standstill.js';
import { WaitCharge, type SlowLimit } from './wait-charge.js';

export interface FanOutOptions extends OutletOptions {
  /** Which writers are too slow for the others; without it all wait for the slowest. */
  readonly slow?: SlowLimit;
}

/** Whether a connection is there is looked at so often, while somebody is waited for. */
const lookMs = 100;

/**
 * Every writer gets every block, and the source pauses while any writer is full. Under `slow` a writer that keeps the others
 * waiting for too long is reset with ERR_XFER_TOO_SLOW, as is one that stands still with the rest that it alone is waited for;
 * one whose connection is lost is left to its session, which gives it up by itself (`--retry`). What is kept for a writer is never more than its window.
 */
export class FanOut implements Outlet {
  readonly #branches: readonly Branch[];
  readonly #options: FanOutOptions;
  readonly #gate = new Gate();
  #hasRoom = true;
  #isWaiting = false;
  #chargedAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #firstError: XferError | undefined;
  /** Why what was written is not all. */
  #failure: XferError | undefined;

  constructor(writers: readonly PipeWriter[], options: FanOutOptions) {
    this.#options = options;
    this.#branches = writers.map((writer, index) => new Branch(writer, index, options.slow));
    for (const branch of this.#branches)
      branch.writer.done.then(
        () => {
          branch.isDone = true;
          this.#update(() => (branch.isFull = false));
        },
        (error: unknown) => this.#fail(branch, asXferError(error)),
      );
  }

  get hasRoom(): boolean {
    return this.#hasRoom;
  }

  write(block: SharedBlock): void {
    for (const branch of this.#branches)
      if (!branch.isGone && !branch.writer.write(block.retain())) this.#full(branch);
    block.release();
  }

  async room(): Promise<void> {
    this.#update(() => (this.#isWaiting = true));
    await this.#gate.until(() => this.#hasRoom);
    this.#update(() => (this.#isWaiting = false));
  }

  async finish(failure?: XferError): Promise<void> {
    this.#failure = failure;
    for (const { writer } of this.#live) writer.finish(failure);
    const done = Promise.allSettled(this.#branches.map(({ writer }) => writer.done));
    const { slow } = this.#options;
    const rest = () =>
      this.#branches.some(({ isDone }) => isDone) ? this.#live.filter((one) => !one.isDone) : [];
    if (slow) await new Standstill<Branch>(slow.standstillMs).until(done, rest, (one) => this.#drop(one));
    else await done;
    const error = failure ?? this.#firstError;
    if (error) throw error;
  }

  reset(error: XferError): void {
    for (const branch of this.#live) {
      branch.isGone = true;
      branch.writer.reset(error);
    }
    this.#update(() => undefined);
  }

  get #live(): readonly Branch[] {
    return this.#branches.filter((branch) => !branch.isGone);
  }

  #full(branch: Branch): void {
    if (branch.isFull) return;
    this.#update(() => (branch.isFull = true));
    void branch.writer.drained().then(() => this.#update(() => (branch.isFull = false)));
  }

  #fail(branch: Branch, error: XferError): void {
    if (branch.isGone) return;
    this.#update(() => (branch.isGone = true));
    if (error === this.#failure) return;
    this.#firstError ??= error;
    if (this.#branches.length > 1) this.#options.onDropped?.(branch.index, error);
    if (this.#live.length === 0) this.#options.onGone(this.#firstError);
  }

  /** Time that passed is charged to whom it belongs, and then `change` holds. */
  #update(change: () => void): void {
    if (this.#options.slow) this.#charge();
    change();
    this.#hasRoom = !this.#live.some((branch) => branch.isFull);
    if (this.#options.slow) this.#watch();
    this.#gate.check();
  }

  #charge(): void {
    const nowMs = performance.now();
    const passedMs = nowMs - this.#chargedAtMs;
    this.#chargedAtMs = nowMs;
    const areOthersWaiting = this.#isWaiting && this.#live.some((branch) => !branch.isFull);
    for (const branch of this.#live) {
      const isHoldingUp = areOthersWaiting && branch.isFull && !branch.writer.isDetached;
      branch.charge?.handlePassed(passedMs, isHoldingUp);
    }
  }

  /** Resets who has used up what it may cost, and looks again when the next one may have. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isWaiting || !this.#live.some((branch) => !branch.isFull)) return;
    let soonestMs = Infinity;
    for (const branch of this.#live) {
      if (!branch.isFull || !branch.charge) continue;
      if (branch.charge.restMs <= 0) return this.#drop(branch);
      soonestMs = Math.min(soonestMs, branch.charge.restMs);
    }
    if (soonestMs < Infinity)
      this.#timer = setTimeout(() => this.#update(() => undefined), Math.min(lookMs, Math.ceil(soonestMs)));
  }

  #drop(branch: Branch): void {
    const error = new XferError('ERR_XFER_TOO_SLOW', 'it was too slow for the others');
    branch.writer.reset(error);
    this.#fail(branch, error);
  }
}

class Branch {
  readonly writer: PipeWriter;
  readonly index: number;
  readonly charge: WaitCharge | undefined;
  isFull = false;
  isGone = false;
  /** Its other side has delivered all. */
  isDone = false;

  constructor(writer: PipeWriter, index: number, slow: SlowLimit | undefined) {
    this.writer = writer;
    this.index = index;
    this.charge = slow && new WaitCharge(slow);
  }
}
