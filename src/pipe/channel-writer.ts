import { pipeDefaults } from '../config/pipe.js';
import type { XferError } from '../errors/index.js';
import type { Block, PipeWriter } from './channel.js';
import { breach, errorFrom, reasonFor, type WireReason } from './channel-errors.js';
import type { PipeMessage } from './messages.js';
import { SendQueueCore, type OutgoingPiece } from './send-queue-core.js';

export interface ChannelWriterOptions {
  readonly id: number;
  say(message: PipeMessage): void;
  /** The most that a writer holds now. */
  windowBytes(): number;
  /** Whether the session has no connection now. */
  isDetached(): boolean;
  /** There may be something to send. */
  onSendable(writer: ChannelWriter): void;
  /** Nothing more goes. */
  onOver(): void;
}

/** The half of a channel that content goes into. */
export class ChannelWriter implements PipeWriter {
  readonly done: Promise<void>;
  readonly #options: ChannelWriterOptions;
  readonly #queue = new SendQueueCore(pipeDefaults.firstCreditBytes);
  #state: 'open' | 'finished' | 'over' = 'open';
  #settle: { resolve(): void; reject(error: XferError): void } | undefined;
  #drains: (() => void)[] = [];
  /** What is said behind all that was written. */
  #failure: XferError | undefined;
  /** What the other side has room for, as it has said. */
  #credit = 0;

  constructor(options: ChannelWriterOptions) {
    this.#options = options;
    this.done = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Whoever does not ask is not told.
    this.done.catch(() => undefined);
  }

  get id(): number {
    return this.#options.id;
  }

  get heldBytes(): number {
    return this.#queue.heldBytes;
  }

  get windowBytes(): number {
    return this.#options.windowBytes();
  }

  get takenBytes(): number {
    return this.#queue.writtenBytes - this.#queue.heldBytes + this.#credit;
  }

  get isDetached(): boolean {
    return this.#options.isDetached();
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Whether more may be written. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isSendable(): boolean {
    return this.#queue.sendableBytes > 0;
  }

  write(block: Block): boolean {
    if (this.#state !== 'open') {
      block.release();
      return false;
    }
    this.#queue.push(block);
    this.#options.onSendable(this);
    return this.#hasRoom;
  }

  drained(): Promise<void> {
    if (this.#hasRoom) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push(resolve));
  }

  finish(error?: XferError): void {
    if (this.#state !== 'open') return;
    this.#state = 'finished';
    this.#failure = error;
    if (error) this.#failWhenHeldThere();
    else this.#options.say({ type: 'finish', id: this.#options.id, bytes: this.#queue.writtenBytes });
  }

  reset(error: XferError): void {
    if (this.#state === 'over') return;
    this.#options.say({ type: 'reset', id: this.#options.id, ...reasonFor(error) });
    this.fail(error);
  }

  cut(mostBytes: number): OutgoingPiece | undefined {
    return this.#queue.cut(mostBytes);
  }

  handleReceived(): void {
    if (this.#hasRoom) this.#tellDrained();
    this.#failWhenHeldThere();
  }

  handleCredit(limit: number): void {
    if (this.#state === 'over') return;
    if (!this.#queue.handleCredit(limit)) throw breach('it takes credit back');
    this.#credit = limit;
    this.#options.onSendable(this);
  }

  handleDelivered(): void {
    if (this.#state === 'over') return;
    if (this.#state !== 'finished' || this.#failure) throw breach('it has delivered what is not finished');
    this.#end();
    this.#settle?.resolve();
    this.#options.onOver();
  }

  handleStop(reason: WireReason): void {
    if (this.#state !== 'over') this.fail(errorFrom(reason));
  }

  /** Nothing more goes, for this reason. */
  fail(error: XferError): void {
    if (this.#state === 'over') return;
    this.#end();
    this.#settle?.reject(error);
    this.#options.onOver();
  }

  get #hasRoom(): boolean {
    return this.#state === 'over' || (this.heldBytes < this.windowBytes && !this.#queue.isCrowded);
  }

  /** A reset overtakes content that has not arrived, and none that has. */
  #failWhenHeldThere(): void {
    if (this.#failure && this.heldBytes === 0) this.reset(this.#failure);
  }

  #end(): void {
    this.#state = 'over';
    this.#queue.close();
    this.#tellDrained();
  }

  #tellDrained(): void {
    for (const drain of this.#drains.splice(0)) drain();
  }
}
