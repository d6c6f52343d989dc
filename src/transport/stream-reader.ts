import { ByteQueue } from './byte-queue.js';
import { OpenRefused, resetCode, type Stream } from './contract.js';

/** What of a stream it takes to read it. */
export type ReadSide = Pick<
  Stream,
  'opened' | 'onData' | 'onEnd' | 'onReset' | 'holdCredit' | 'credit' | 'stopReading'
>;

/**
 * `cancelled`: this side or the other gave the stream up. `lost`: its connection is over. `not found`: nobody took it.
 * `inactivity`: nothing came for too long; reading may go on. `too long`: more than was allowed; nothing was taken.
 */
export type ReadFailure = 'cancelled' | 'lost' | 'not found' | 'inactivity' | 'too long';

export class StreamReadError extends Error {
  override readonly name = 'StreamReadError';
  readonly reason: ReadFailure;
  /** Of the RESET or OPEN_ERR where there was one, with what it had to say; else 0. */
  readonly code: number;
  readonly detail: Uint8Array;

  constructor(reason: ReadFailure, code = 0, detail: Uint8Array = new Uint8Array()) {
    super(`the stream cannot be read: ${reason}${code === 0 ? '' : ` (code ${code})`}`);
    this.reason = reason;
    this.code = code;
    this.detail = detail;
  }
}

export interface ReaderOptions {
  /** Most that is read at once. Default: 16 MiB. */
  readonly mostBytes?: number;
  /** The stream came to a bad end: at once, whoever reads or does not. */
  onFailure?(error: StreamReadError): void;
}

const mostBytesAtOnce = 16 * 1024 * 1024;

/**
 * An incoming stream, read as it suits the reader: what is there, so many bytes, or all. What is not taken yet is held
 * here, and the sender gets credit for it only when it is taken or waited for: at most a window and what one call
 * asked for. One call at a time.
 */
export class StreamReader {
  readonly #stream: ReadSide;
  readonly #options: ReaderOptions;
  readonly #queue = new ByteQueue();
  /** Of what is in the queue, credited already. */
  #credited = 0;
  /** What a call waits for; 0 while there is none. */
  #wanted = 0;
  #hasEnded = false;
  #failure: StreamReadError | undefined;
  #wake: ((isInTime: boolean) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #arrivals = 0;

  constructor(stream: ReadSide, options: ReaderOptions = {}) {
    this.#stream = stream;
    this.#options = options;
    stream.holdCredit();
    stream.opened.catch((error: unknown) => {
      if (error instanceof OpenRefused)
        this.#fail(new StreamReadError('not found', error.openCode, error.detail));
    });
    stream.onReset((code, detail, isOver) =>
      this.#fail(new StreamReadError(isOver ? 'lost' : 'cancelled', code, detail)),
    );
    stream.onEnd(() => {
      this.#hasEnded = true;
      this.#wake?.(true);
    });
    stream.onData((bytes) => this.#handleData(bytes));
  }

  /** Held here: arrived and not taken. */
  get bufferedBytes(): number {
    return this.#queue.bytes;
  }

  /** The other side has ended its direction. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** It has, and all before that was taken. */
  get isComplete(): boolean {
    return this.#hasEnded && this.#queue.bytes === 0;
  }

  get failure(): StreamReadError | undefined {
    return this.#failure;
  }

  /** What is there, `most` bytes of it, maybe none. Throws a StreamReadError. */
  readAvailable(most = Infinity): Uint8Array {
    if (this.#failure) throw this.#failure;
    return this.#take(most);
  }

  /**
   * Exactly `count` bytes; fewer where the stream ends before. Rejects with a StreamReadError: `inactivity` where
   * nothing came for `inactivityMs`, and what there is stays.
   */
  async read(count: number, inactivityMs?: number): Promise<Uint8Array> {
    if (count > (this.#options.mostBytes ?? mostBytesAtOnce)) throw new StreamReadError('too long');
    if (!(await this.#fill(count, inactivityMs))) throw new StreamReadError('inactivity');
    return this.#take(count);
  }

  /** Everything up to the end. Rejects with a StreamReadError: `too long` where that is more than `maxBytes`. */
  async readAll(maxBytes: number, inactivityMs?: number): Promise<Uint8Array> {
    if (!(await this.#fill(maxBytes + 1, inactivityMs))) throw new StreamReadError('inactivity');
    if (this.#queue.bytes > maxBytes) throw new StreamReadError('too long');
    return this.#take(maxBytes);
  }

  /** Resolves with true when there is something to take, or the end; with false when `withinMs` have passed. */
  async arrival(withinMs?: number): Promise<boolean> {
    return this.#fill(1, withinMs);
  }

  /** Reads no more and says so to the other side; whoever waits gets `cancelled`. */
  cancel(): void {
    if (this.#failure) return;
    this.#fail(new StreamReadError('cancelled'));
    if (!this.#hasEnded) this.#stream.stopReading(resetCode.cancelled);
  }

  #handleData(bytes: Uint8Array): void {
    if (this.#failure) return this.#stream.credit(bytes.length);
    this.#queue.push(bytes);
    this.#arrivals++;
    this.#timer?.refresh();
    this.#grant();
    this.#wake?.(true);
  }

  /** Waits until so many bytes are there, or the end; false when nothing came for `inactivityMs`. */
  async #fill(count: number, inactivityMs: number | undefined): Promise<boolean> {
    if (this.#wake) throw new Error('a stream is read by two at once');
    this.#wanted = count;
    this.#grant();
    // A loop that was held up hears of the time before it hears of what has come meanwhile.
    const expire = () => {
      const before = this.#arrivals;
      setImmediate(() => before === this.#arrivals && this.#wake?.(false));
    };
    try {
      let isInTime = true;
      while (isInTime) {
        if (this.#failure) throw this.#failure;
        if (this.#queue.bytes >= count || this.#hasEnded) return true;
        if (inactivityMs !== undefined) this.#timer ??= setTimeout(expire, inactivityMs);
        isInTime = await new Promise<boolean>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
      return false;
    } finally {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#wanted = 0;
    }
  }

  /** What is waited for may be more than a window: it is credited as it comes. */
  #grant(): void {
    const due = Math.min(this.#queue.bytes, this.#wanted) - this.#credited;
    if (due <= 0) return;
    this.#credited += due;
    this.#stream.credit(due);
  }

  #take(most: number): Uint8Array {
    const taken = this.#queue.take(most);
    const due = taken.length - this.#credited;
    this.#credited = Math.max(0, -due);
    if (due > 0) this.#stream.credit(due);
    return taken;
  }

  #fail(error: StreamReadError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#queue.clear();
    this.#credited = 0;
    this.#wake?.(true);
    this.#options.onFailure?.(error);
  }
}
