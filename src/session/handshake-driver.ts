import { asXferError, XferError } from '../errors/index.js';
import { resetCode, type Stream } from '../transport/contract.js';
import type { HandshakeCore, HandshakeKeys } from './handshake-core.js';
import { refusalOf, resetOf } from './stream-error.js';

export interface HandshakeResult extends HandshakeKeys {
  /** Whether the other side has ended or reset the stream since; look before the handlers are replaced. */
  readonly isLost: boolean;
}

export interface DriveOptions {
  readonly stream: Stream;
  readonly core: HandshakeCore;
  readonly signal: AbortSignal;
  readonly deadline: number;
  now(): number;
  /** Called after every input: the place to answer the core's questions. */
  onStep?(pump: () => void): void;
  /** Called once, in the same turn as the input that decided. */
  onOutcome?(error: XferError | undefined): void;
}

/**
 * Joins a core to a stream. Resolves with the stream paused: set its handlers, take `leftover`, then resume it.
 * Rejects with the core's XferError or with the signal's reason; the stream is of no use then.
 */
export function driveHandshake(options: DriveOptions): Promise<HandshakeResult> {
  const { stream, core, signal } = options;
  return new Promise((resolve, reject) => {
    let isLost = false;
    let isSettled = false;
    const timer = setTimeout(expire, Math.max(0, options.deadline - options.now()));

    function pump(): void {
      if (isSettled) return;
      for (let bytes = core.pollOutput(); bytes; bytes = core.pollOutput()) stream.send(bytes);
      const { outcome } = core;
      if (!outcome) return options.onStep?.(pump);
      isSettled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', interrupt);
      options.onOutcome?.(outcome.kind === 'failed' ? outcome.error : undefined);
      if (outcome.kind === 'done') {
        stream.pause();
        resolve({
          ...outcome.keys,
          get isLost() {
            return isLost;
          },
        });
      } else {
        leave(stream, isLost || signal.aborted);
        reject(outcome.error);
      }
    }

    function expire(): void {
      core.handleTime(Math.max(options.deadline, options.now()));
      pump();
    }

    function interrupt(): void {
      core.fail(reasonOf(signal));
      pump();
    }

    function lose(why?: XferError): void {
      isLost = true;
      if (why) core.fail(why);
      core.handleEnd();
      pump();
    }

    // A stream that never came to be, because it was refused or its connection is gone already, sees no reset.
    stream.opened.catch((error: unknown) => lose(refusalOf(stream, error)));
    stream.onEnd(() => lose());
    stream.onReset((_code, detail, isConnectionOver) => lose(resetOf(stream, detail, isConnectionOver)));
    stream.onData((bytes) => {
      if (isSettled) return;
      core.handleData(bytes);
      pump();
    });
    signal.addEventListener('abort', interrupt, { once: true });
    if (signal.aborted) interrupt();
    else pump();
  });
}

/** The signal's reason, which is an error of ours or means that the user wants to stop. */
export function reasonOf(signal: AbortSignal): XferError {
  const error = asXferError(signal.reason);
  if (error.code !== 'ERR_XFER_INTERNAL') return error;
  return new XferError('ERR_XFER_INTERRUPTED', 'interrupted', { cause: signal.reason });
}

/** The refusal that was sent must still arrive, so the writing side ends in order; there is nothing more to read. */
function leave(stream: Stream, atOnce: boolean): void {
  if (atOnce) return stream.reset(resetCode.cancelled);
  stream.closeWrite();
  stream.stopReading(resetCode.cancelled);
}
