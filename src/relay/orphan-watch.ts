import { XferError } from '../errors/index.js';
import { resetCode, type Stream } from '../transport/contract.js';

/** The answer to a stream that was opened. Rejects as `opened` does, or with ERR_XFER_TIMEOUT: then it is reset. */
export async function answerWithin(stream: Stream, orphanMs: number): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new XferError('ERR_XFER_TIMEOUT', 'nobody answered the stream'));
      stream.reset(resetCode.timeout);
    }, orphanMs);
  });
  try {
    return await Promise.race([stream.opened, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Tells when of a stream one direction is over, and nothing moves on the other. */
export class OrphanWatch {
  readonly #orphanMs: number;
  readonly #onOrphan: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(orphanMs: number, onOrphan: () => void) {
    this.#orphanMs = orphanMs;
    this.#onOrphan = onOrphan;
  }

  handleBytes(): void {
    this.#timer?.refresh();
  }

  /** One direction is over. */
  handleEnd(): void {
    if (this.#timer) this.#timer.refresh();
    else this.#timer = setTimeout(this.#onOrphan, this.#orphanMs);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
