import { XferError } from '../errors/index.js';
import type { ConnectionBudget } from '../transport/contract.js';
import { StreamReadError, type StreamReader } from '../transport/stream-reader.js';
import type { Framing } from './framing.js';

export interface StoreLimits {
  /** Of one direction of a stream: what is being put together and what was sent on and not taken yet. */
  readonly limitBytes: number;
  /** The rest of a unit must go on coming; undefined where it may take its time. */
  readonly inactivityMs: number | undefined;
  /** A silence after which what there is goes on, where units are not known. */
  readonly pauseMs: number;
}

export interface StoreOptions {
  readonly reader: StreamReader;
  /** undefined where nothing is known of the stream's units. */
  readonly framing: Framing | undefined;
  readonly limits: StoreLimits;
  /** All that is stored, of whatever stream. */
  readonly budget: StoreBudget;
  /** Whether the sender may send: if not, its silence is no fault. */
  isFlowing(): boolean;
  /** Takes a whole unit; to call `release` when it needs no memory here any more. */
  deliver(unit: readonly Uint8Array[], release: () => void): void;
}

export type StoreBudget = Pick<ConnectionBudget, 'takeBytes' | 'giveBytes'>;

/** Read at once, so that nobody gets memory for a length alone. */
const pieceBytes = 64 * 1024;

/**
 * Stores and forwards (DESIGN §8): puts each unit of a stream together before any of it goes on, one behind the other
 * and never the whole stream. What comes behind one that is no unit goes on in whatever parts it came.
 */
export class Store {
  readonly #options: StoreOptions;
  #framing: Framing | undefined;
  #unit: Uint8Array[] = [];
  #unitBytes = 0;
  /** Delivered, and not released. */
  #sentBytes = 0;
  #hasRoom: () => void = () => undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#framing = options.framing;
  }

  get heldBytes(): number {
    return this.#unitBytes + this.#sentBytes;
  }

  /**
   * Resolves when all up to the stream's end was delivered. Rejects with a StreamReadError, or an XferError:
   * ERR_XFER_STORE_LIMIT for a unit that is too long, ERR_XFER_LIMIT where there is no memory for it.
   */
  async run(): Promise<void> {
    const { reader } = this.#options;
    try {
      while ((await reader.arrival()) && !reader.isComplete) {
        if (this.#framing) await this.#takeUnit(this.#framing);
        else await this.#takePart();
        this.#deliver();
      }
    } finally {
      this.#options.budget.giveBytes(this.#unitBytes);
      this.#unitBytes = 0;
      this.#unit = [];
    }
  }

  /** Nothing more is delivered. */
  cancel(): void {
    this.#options.reader.cancel();
    this.#hasRoom();
  }

  async #takeUnit(framing: Framing): Promise<void> {
    const { headBytes } = framing;
    const head = await this.#read(headBytes);
    if (head.length < headBytes) return;
    const total = framing.take(head);
    if (total === undefined) {
      this.#framing = undefined;
      return;
    }
    if (total > this.#options.limits.limitBytes)
      throw new XferError('ERR_XFER_STORE_LIMIT', `a record of ${total} bytes is more than is stored`);
    await this.#room(total);
    while (this.#unitBytes < total) {
      const wanted = Math.min(pieceBytes, total - this.#unitBytes);
      if ((await this.#read(wanted)).length < wanted) return;
    }
  }

  /** What there is, until nothing more comes for a while. */
  async #takePart(): Promise<void> {
    const { reader, limits } = this.#options;
    await this.#room(1);
    const most = limits.limitBytes - this.#sentBytes;
    while (this.#unitBytes < most) {
      const wanted = Math.min(pieceBytes, most - this.#unitBytes, reader.bufferedBytes);
      if (!this.#options.budget.takeBytes(wanted)) throw noMemory();
      this.#keep(reader.readAvailable(wanted));
      if (reader.bufferedBytes > 0) continue;
      if (!(await reader.arrival(limits.pauseMs)) || reader.isComplete) return;
    }
  }

  async #read(count: number): Promise<Uint8Array> {
    const { budget } = this.#options;
    if (!budget.takeBytes(count)) throw noMemory();
    let taken: Uint8Array = new Uint8Array();
    try {
      taken = await this.#readInTime(count);
      return taken;
    } finally {
      budget.giveBytes(count - taken.length);
      this.#keep(taken);
    }
  }

  async #readInTime(count: number): Promise<Uint8Array> {
    const { reader, limits, isFlowing } = this.#options;
    for (;;) {
      try {
        return await reader.read(count, limits.inactivityMs);
      } catch (error) {
        const isSilent = error instanceof StreamReadError && error.reason === 'inactivity';
        if (!isSilent || isFlowing()) throw error;
      }
    }
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#unit.push(bytes);
    this.#unitBytes += bytes.length;
  }

  #deliver(): void {
    const [unit, bytes] = [this.#unit, this.#unitBytes];
    if (bytes === 0) return;
    this.#unit = [];
    this.#unitBytes = 0;
    this.#sentBytes += bytes;
    this.#options.deliver(unit, () => {
      this.#sentBytes -= bytes;
      this.#options.budget.giveBytes(bytes);
      this.#hasRoom();
    });
  }

  /** Waits until so many bytes may be held beside what is not taken yet. */
  async #room(bytes: number): Promise<void> {
    const { reader, limits } = this.#options;
    while (this.#sentBytes > 0 && this.#sentBytes + bytes > limits.limitBytes) {
      if (reader.failure) throw reader.failure;
      await new Promise<void>((resolve) => (this.#hasRoom = resolve));
    }
  }
}

const noMemory = () => new XferError('ERR_XFER_LIMIT', 'the relay stores as much as it may');
