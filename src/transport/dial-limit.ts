import { transportDefaults } from '../config/index.js';
import { isXferError, networkError, XferError } from '../errors/index.js';
import type { DialOptions } from './contract.js';
import { lateSignal } from './late-signal.js';

/** When a dial ends without an outcome: its caller gives up, or it is late. */
export class DialLimit {
  readonly signal: AbortSignal;
  readonly #given: AbortSignal;
  readonly #late: AbortSignal;
  readonly #name: string;

  /** `name` is the other side, for messages. */
  constructor(dial: Pick<DialOptions, 'signal' | 'timeoutMs'>, name: string) {
    this.#given = dial.signal;
    this.#late = lateSignal(dial.timeoutMs ?? transportDefaults.dialTimeoutMs);
    this.#name = name;
    this.signal = AbortSignal.any([this.#given, this.#late]);
  }

  /** What the caller of the dial is told. */
  errorOf(cause: unknown): Error {
    if (isXferError(cause)) return cause;
    if (this.#given.aborted) return this.#given.reason as Error;
    if (this.#late.aborted) return new XferError('ERR_XFER_TIMEOUT', `${this.#name}: no answer in time`);
    return networkError(cause, this.#name);
  }
}
