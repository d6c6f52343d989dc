import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { sourceKey } from '../transport/source-key.js';

/** A code made by us is used up by the pairing that it made; a chosen one serves until somebody guesses wrong. */
export type CodeKind = 'made' | 'chosen';

export interface OfferedCode {
  /** Without the room: what goes into CPace. */
  readonly secret: string;
  readonly kind: CodeKind;
}

export type SpentReason = 'wrong' | 'used';

export interface PairingGateOptions {
  readonly code: OfferedCode;
  /** The code is spent. May call `replace` at once; whoever waited for the old code is refused either way. */
  onSpent(reason: SpentReason): void;
  /** Default: sessionDefaults.pairingRunTimeoutMs. */
  readonly runTimeoutMs?: number;
  /** Default: sessionDefaults.maxHandshakes and .maxHandshakesPerAddress. */
  readonly maxWaiting?: number;
  readonly maxWaitingPerSource?: number;
}

export type RunResult = 'paired' | 'wrong' | 'aborted';

/** One dialer's turn. */
export interface PairingRun {
  readonly secret: string;
  /** Aborts with ERR_XFER_TIMEOUT when the turn has lasted too long; then the next dialer's turn has begun. */
  readonly signal: AbortSignal;
  /** Ends the turn; only the first call counts. */
  finish(result: RunResult): void;
}

/**
 * Lets dialers try the current code, one at a time, so that one code is never open to two guesses. Who keeps
 * silent loses his turn; sources take turns, so that one of them cannot keep the others out.
 */
export class PairingGate {
  readonly #options: PairingGateOptions;
  readonly #runTimeoutMs: number;
  /** In the order of turns: a source goes to the end when one of its dialers had its turn. */
  readonly #waiting = new Map<string, Waiter[]>();
  #code: OfferedCode | undefined;
  #running = false;

  constructor(options: PairingGateOptions) {
    this.#options = options;
    this.#code = options.code;
    this.#runTimeoutMs = options.runTimeoutMs ?? sessionDefaults.pairingRunTimeoutMs;
  }

  get isSpent(): boolean {
    return this.#code === undefined;
  }

  /** A new code in place of the one that is spent, or of the present one. */
  replace(code: OfferedCode): void {
    this.#code = code;
    this.#refuseWaiting();
  }

  /**
   * Resolves when it is this dialer's turn. Rejects with ERR_XFER_CODE_SPENT, with ERR_XFER_LIMIT where too many
   * wait, or with the signal's reason.
   */
  async enter(address: string, signal: AbortSignal): Promise<PairingRun> {
    const source = sourceKey(address);
    signal.throwIfAborted();
    if (!this.#code) throw spentError();
    if (!this.#running) return this.#begin(this.#code);
    this.#checkRoom(source);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#remove(source, waiter);
        reject(signal.reason as Error);
      };
      const settled = () => signal.removeEventListener('abort', leave);
      const waiter: Waiter = {
        start: (run) => (settled(), resolve(run)),
        refuse: (error) => (settled(), reject(error)),
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.set(source, [...(this.#waiting.get(source) ?? []), waiter]);
    });
  }

  #begin(code: OfferedCode): PairingRun {
    this.#running = true;
    const expiry = new AbortController();
    let isOver = false;
    const finish = (result: RunResult) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      this.#running = false;
      // A code that was replaced meanwhile cannot be spent by a run under the old one.
      if (this.#code === code) this.#settle(code, result);
      this.#next();
    };
    const timer = setTimeout(() => {
      finish('aborted');
      expiry.abort(
        new XferError('ERR_XFER_TIMEOUT', 'the other side did not give its proof of the code in time'),
      );
    }, this.#runTimeoutMs);
    return { secret: code.secret, signal: expiry.signal, finish };
  }

  #settle(code: OfferedCode, result: RunResult): void {
    const reason =
      result === 'wrong' ? 'wrong' : result === 'paired' && code.kind === 'made' ? 'used' : undefined;
    if (!reason) return;
    this.#code = undefined;
    this.#refuseWaiting();
    this.#options.onSpent(reason);
  }

  #next(): void {
    if (this.#running || !this.#code) return;
    const [first] = this.#waiting;
    if (!first) return;
    const [source, [waiter, ...others]] = first;
    this.#waiting.delete(source);
    if (others.length > 0) this.#waiting.set(source, others);
    waiter?.start(this.#begin(this.#code));
  }

  #checkRoom(source: string): void {
    const maxWaiting = this.#options.maxWaiting ?? sessionDefaults.maxHandshakes;
    const maxPerSource = this.#options.maxWaitingPerSource ?? sessionDefaults.maxHandshakesPerAddress;
    let all = 0;
    for (const waiters of this.#waiting.values()) all += waiters.length;
    if (all >= maxWaiting || (this.#waiting.get(source)?.length ?? 0) >= maxPerSource)
      throw new XferError('ERR_XFER_LIMIT', 'too many peers wait for the code');
  }

  #remove(source: string, waiter: Waiter): void {
    const others = (this.#waiting.get(source) ?? []).filter((other) => other !== waiter);
    if (others.length > 0) this.#waiting.set(source, others);
    else this.#waiting.delete(source);
  }

  /** They came for a code that is gone: under the next one each would be a wrong guess. */
  #refuseWaiting(): void {
    const waiting = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const waiter of waiting) waiter.refuse(spentError());
  }
}

interface Waiter {
  start(run: PairingRun): void;
  refuse(error: XferError): void;
}

function spentError(): XferError {
  return new XferError('ERR_XFER_CODE_SPENT', 'the code is spent');
}
