import { XferError } from '../errors/index.js';
import type { Block, PipeReader } from './channel.js';
import { breach, errorFrom, reasonFor, type WireReason } from './channel-errors.js';
import type { PipeMessage } from './messages.js';
import { ReorderCore } from './reorder-core.js';
import type { ChannelWindowCore } from './window-shares-core.js';

export interface ChannelReaderOptions {
  readonly id: number;
  readonly window: ChannelWindowCore;
  /** An honest sender leaves no more gaps in what has come. */
  readonly mostGaps: number;
  say(message: PipeMessage): void;
  /** The other side may be told of more room. */
  onRoom(reader: ChannelReader): void;
  /** Before the other side is told that all is delivered. */
  onDelivered(): void;
  /** Nothing more is wanted. */
  onOver(): void;
  /** Nothing of it is kept any more: so many islands of content are gone with it. */
  onClosed(islands: number): void;
}

interface Waiting {
  resolve(block: Block | undefined): void;
  reject(error: XferError): void;
}

/** The half of a channel that content comes out of. */
export class ChannelReader implements PipeReader {
  readonly #options: ChannelReaderOptions;
  readonly #order: ReorderCore;
  #state: 'asked' | 'open' | 'over' = 'asked';
  /** It ends so, behind what has come in order. */
  #error: XferError | undefined;
  #isDone = false;
  #isShown = false;
  #held = 0;
  #waiting: Waiting | undefined;

  constructor(options: ChannelReaderOptions) {
    this.#options = options;
    this.#order = new ReorderCore(options.mostGaps);
  }

  get id(): number {
    return this.#options.id;
  }

  get heldBytes(): number {
    return this.#held;
  }

  get windowBytes(): number {
    return this.#options.window.windowBytes;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Whether nothing more comes of the other side, though what did may not be read. */
  get hasEnded(): boolean {
    return this.#state === 'over' || this.#error !== undefined;
  }

  /** Whether more may come than is known of. */
  get isOpen(): boolean {
    return !this.hasEnded && !this.#order.hasEnd;
  }

  /** Pieces of content with nothing between them; none any more when it is over. */
  get islands(): number {
    return this.#state === 'over' ? 0 : this.#order.islands;
  }

  /** From now on more may come than without being asked for. */
  open(): void {
    if (this.#state !== 'asked') return;
    this.#state = 'open';
    this.#options.onRoom(this);
  }

  /** From now on content is given: it is known how it is cut. */
  show(): void {
    this.#isShown = true;
    this.#deliver();
  }

  read(): Promise<Block | undefined> {
    if (this.#waiting)
      return Promise.reject(new XferError('ERR_XFER_INTERNAL', 'a reader is read twice at once'));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#deliver();
    });
  }

  delivered(): void {
    if (this.#state === 'over') return;
    if (!this.#order.isAtEnd)
      throw new XferError('ERR_XFER_INTERNAL', 'a channel is delivered before its end');
    this.#options.onDelivered();
    this.#options.say({ type: 'delivered', id: this.#options.id });
    this.#isDone = true;
    this.#end();
  }

  stop(error: XferError): void {
    if (this.#state === 'over') return;
    this.#options.say({ type: 'stop', id: this.#options.id, ...reasonFor(error) });
    this.fail(error);
  }

  /** The limit that the other side is to be told now. */
  pollCredit(): number | undefined {
    if (this.#state !== 'open' || this.#error) return undefined;
    return this.#options.window.pollCredit(this.#order.reachedBytes);
  }

  /** Claims the place of content that has come; throws a breach. */
  claim(offset: number, bytes: number): void {
    if (offset + bytes > this.#options.window.limit) throw breach('it sends more than it has credit for');
    if (!this.#order.claim(offset, bytes)) throw breach('it sends content where none can be');
  }

  giveBack(offset: number, bytes: number): void {
    this.#order.giveBack(offset, bytes);
  }

  /** Content that was claimed, verified. */
  put(offset: number, block: Block): void {
    if (this.#state === 'over') return block.release();
    this.#held += block.bytes.length;
    this.#order.put(offset, block, this.windowBytes);
    this.#deliver();
  }

  handleFinish(bytes: number): void {
    if (this.#state === 'over') return;
    if (!this.#order.handleEnd(bytes)) throw breach('it finishes a channel with a wrong count');
    this.#deliver();
  }

  /** What has come in order is given before. */
  handleReset(reason: WireReason): void {
    if (this.#state === 'over') return;
    this.#error = errorFrom(reason);
    const { hasNext } = this.#order;
    // For the other side it is over now; here it is when the rest is read, which takes its memory until then.
    this.#options.onOver();
    if (!hasNext) this.fail(this.#error);
  }

  /** At once, whatever has come. */
  fail(error: XferError): void {
    if (this.#state === 'over') return;
    this.#error = error;
    this.#end();
  }

  #end(): void {
    const { islands } = this;
    this.#state = 'over';
    this.#held -= this.#order.waitingBytes;
    this.#order.close();
    this.#options.window.close(this.#held);
    this.#options.onClosed(islands);
    this.#deliver();
    this.#options.onOver();
  }

  #deliver(): void {
    const waiting = this.#waiting;
    if (!waiting || (!this.#isShown && this.#state !== 'over')) return;
    const block = this.#order.take();
    const isEnded = this.#isDone || (!this.#error && this.#order.isAtEnd);
    if (!block && !isEnded && !this.#error) return;
    this.#waiting = undefined;
    if (block) waiting.resolve(this.#lend(block));
    else if (isEnded || !this.#error) waiting.resolve(undefined);
    else {
      this.fail(this.#error);
      waiting.reject(this.#error);
    }
  }

  /** Its bytes count as held until they are released. */
  #lend(block: Block): Block {
    const { bytes } = block;
    const { length } = bytes;
    return {
      bytes,
      release: () => {
        block.release();
        this.#held -= length;
        this.#options.window.handleUsed(length);
        if (this.#state === 'open') this.#options.onRoom(this);
      },
    };
  }
}
