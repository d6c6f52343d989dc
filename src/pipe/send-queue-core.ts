import type { Block } from './channel.js';

/** Blocks that wait, whatever their size: each has a price in memory beside its bytes. */
export const mostQueuedBlocks = 16 * 1024;
/** What is smaller than this part of a record shares one with others that wait: a record costs more than its copy. */
const sharingPart = 4;

/** A block, and how many still look at it: the queue, and records that may have to go again. */
interface HeldBlock {
  readonly block: Block;
  users: number;
}

/**
 * Content of one record. Its memory stands until the other side has it, and as long as it is being sealed; once nobody wants
 * it, it has no parts any more, and its record goes empty.
 */
export class OutgoingPiece {
  readonly queue: SendQueueCore;
  readonly offset: number;
  readonly bytes: number;
  #parts: readonly Uint8Array[];
  #blocks: readonly HeldBlock[];
  #sealing = 0;
  #isWanted = true;

  constructor(
    queue: SendQueueCore,
    offset: number,
    bytes: number,
    parts: readonly Uint8Array[],
    blocks: readonly HeldBlock[],
  ) {
    this.queue = queue;
    this.offset = offset;
    this.bytes = bytes;
    this.#parts = parts;
    this.#blocks = blocks;
  }

  get parts(): readonly Uint8Array[] {
    return this.#isWanted ? this.#parts : [];
  }

  /** The other side has it. */
  handleReceived(): void {
    this.queue.handleReceived(this);
  }

  /** Its parts are being read from now on, until `handleSealed`. */
  handleSealing(): void {
    this.#sealing++;
  }

  handleSealed(): void {
    this.#sealing--;
    this.#letGo();
  }

  /** It need not go again. */
  handleUnwanted(): void {
    this.#isWanted = false;
    this.#letGo();
  }

  #letGo(): void {
    if (this.#isWanted || this.#sealing > 0) return;
    const blocks = this.#blocks;
    this.#blocks = [];
    this.#parts = [];
    for (const held of blocks) leave(held);
  }
}

/**
 * What was written to a channel, cut into records in order: a sans-IO core. Content goes no further than the other side's
 * limit, and a block is released when all of it is known to be there.
 *
 * Calls: `push`, then `cut` until it gives nothing; `handleCredit` and `handleReceived` as the other side says so; `close`
 * when nothing more is to go.
 */
export class SendQueueCore {
  #waiting: HeldBlock[] = [];
  /** Of the first that waits, what is cut already. */
  #taken = 0;
  readonly #underWay = new Set<OutgoingPiece>();
  #limit: number;
  #written = 0;
  #cut = 0;
  #received = 0;
  #isClosed = false;

  /** `firstLimit`: what may go before the other side has said anything. */
  constructor(firstLimit: number) {
    this.#limit = firstLimit;
  }

  /** All that was pushed. */
  get writtenBytes(): number {
    return this.#written;
  }

  /** Pushed, and not known to be there. */
  get heldBytes(): number {
    return this.#isClosed ? 0 : this.#written - this.#received;
  }

  /** Whether so many blocks wait that no more should be pushed. */
  get isCrowded(): boolean {
    return this.#waiting.length >= mostQueuedBlocks;
  }

  /** What may go now. */
  get sendableBytes(): number {
    return this.#isClosed ? 0 : Math.min(this.#written, this.#limit) - this.#cut;
  }

  push(block: Block): void {
    if (this.#isClosed || block.bytes.length === 0) return block.release();
    this.#waiting.push({ block, users: 1 });
    this.#written += block.bytes.length;
  }

  /** Content for a record of at most so many bytes: a slice of one block, or several small ones. */
  cut(mostBytes: number): OutgoingPiece | undefined {
    const most = Math.min(mostBytes, this.sendableBytes);
    if (most <= 0) return undefined;
    const small = mostBytes / sharingPart;
    const [parts, blocks]: [Uint8Array[], HeldBlock[]] = [[], []];
    let [bytes, gone] = [0, 0];
    for (let head = this.#waiting[0]; head && bytes < most; head = this.#waiting[gone]) {
      const { bytes: all } = head.block;
      const left = all.length - this.#taken;
      // A large one goes without a copy, in a record of its own.
      if (bytes > 0 && left >= small) break;
      const take = Math.min(left, most - bytes);
      parts.push(take === all.length ? all : all.subarray(this.#taken, this.#taken + take));
      blocks.push(head);
      bytes += take;
      if (take < left) {
        head.users++;
        this.#taken += take;
      } else {
        // The record has the place of the queue among its users.
        gone++;
        this.#taken = 0;
      }
      if (left >= small) break;
    }
    // All at once, for there may be thousands behind them.
    this.#waiting.splice(0, gone);
    const piece = new OutgoingPiece(this, this.#cut, bytes, parts, blocks);
    this.#underWay.add(piece);
    this.#cut += bytes;
    return piece;
  }

  /** Content up to `limit` may go. False where it is less than before. */
  handleCredit(limit: number): boolean {
    if (limit < this.#limit) return false;
    this.#limit = limit;
    return true;
  }

  handleReceived(piece: OutgoingPiece): void {
    if (!this.#underWay.delete(piece)) return;
    this.#received += piece.bytes;
    piece.handleUnwanted();
  }

  /** Nothing more goes: blocks are released as soon as nobody reads them any more. */
  close(): void {
    this.#isClosed = true;
    for (const held of this.#waiting.splice(0)) leave(held);
    for (const piece of this.#underWay) piece.handleUnwanted();
    this.#underWay.clear();
  }
}

function leave(held: HeldBlock): void {
  if (--held.users === 0) held.block.release();
}
