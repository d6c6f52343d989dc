import { pipeDefaults } from '../../src/config/index.js';
import { ReorderCore } from '../../src/pipe/reorder-core.js';
import { SendQueueCore, type OutgoingPiece } from '../../src/pipe/send-queue-core.js';
import { WindowSharesCore, type ChannelWindowCore } from '../../src/pipe/window-shares-core.js';
import { ClaimsCore } from '../../src/transfer/claims-core.js';
import { SchedulerCore } from '../../src/transfer/scheduler-core.js';
import type { FuzzRandom } from '../support/fuzz-random.js';

const mostRecords = 64;
const recordBytes = 64 * 1024;
/** So much without anything new is a standstill. */
const mostIdleSteps = 5_000;

interface SimChannel {
  readonly queue: SendQueueCore;
  readonly order: ReorderCore;
  readonly window: ChannelWindowCore;
  /** What is to be written in all. */
  readonly bytes: number;
  written: number;
  read: number;
  /** What the sender was told it may send. */
  credit: number;
  blocksOut: number;
  isStopped: boolean;
}

interface SimRecord {
  readonly number: number;
  readonly channel: SimChannel;
  readonly offset: number;
  readonly content: Buffer;
}

/**
 * A sender and a reader of several channels, and lanes between them that keep the order of their own records and no other,
 * and that are cut with all that is on them. Nothing has a time of its own: each step is one thing that happens.
 */
export class PipeWorld {
  readonly #random: FuzzRandom;
  readonly #channels: SimChannel[] = [];
  readonly #shares: WindowSharesCore;
  readonly #scheduler: SchedulerCore<{ readonly channel: SimChannel; readonly piece: OutgoingPiece }>;
  readonly #claims = new ClaimsCore(mostRecords);
  readonly #lanes = new Map<number, SimRecord[]>();
  /** Acknowledgements and credit, in order. */
  readonly #control: (() => void)[] = [];
  #lastLane = -1;
  #now = 0;

  constructor(random: FuzzRandom, sizes: readonly number[], windowBytes: number) {
    this.#random = random;
    this.#shares = new WindowSharesCore(windowBytes);
    for (const bytes of sizes) this.#add(bytes);
    this.#scheduler = new SchedulerCore({
      ...{ windowBytes: 16 * recordBytes, mostRecords, recordBytes },
      supply: (most) => {
        const ready = this.#channels.filter(({ queue }) => queue.sendableBytes > 0);
        const channel = ready[random.below(Math.max(1, ready.length))];
        const piece = channel?.queue.cut(most);
        return channel && piece && { source: { channel, piece }, offset: piece.offset, bytes: piece.bytes };
      },
      isExhausted: () => this.#channels.every(({ queue }) => queue.sendableBytes <= 0),
    });
    this.#join();
  }

  /** Until all is read. Throws what went wrong. */
  run(): void {
    for (let idle = 0; !this.#isDone; idle++) {
      const before = this.#progress;
      this.#step();
      if (this.#progress > before) idle = 0;
      if (idle > mostIdleSteps) throw new Error('nothing goes forward any more');
    }
    // What comes late is dropped, and what is not wanted any more still counts.
    while (this.#scheduler.inFlightRecords > 0) {
      this.#now += 50;
      if (this.#lanes.size === 0) this.#join();
      for (const lane of this.#lanes.keys()) this.#send(lane);
      for (const lane of this.#lanes.keys()) this.#arrive(lane);
      this.#tell();
    }
    for (const { queue } of this.#channels) queue.close();
    for (const { blocksOut, order } of this.#channels)
      if (blocksOut > 0 || order.waitingBytes > 0) throw new Error('something was kept behind the end');
  }

  get #isDone(): boolean {
    return this.#channels.every(({ read, bytes, isStopped }) => isStopped || read === bytes);
  }

  get #progress(): number {
    return this.#channels.reduce((sum, { read, isStopped }) => sum + read + (isStopped ? 1e9 : 0), 0);
  }

  #add(bytes: number): void {
    const window = this.#shares.add();
    if (!window) throw new Error('there is room for so few');
    const channel: SimChannel = {
      queue: new SendQueueCore(pipeDefaults.firstCreditBytes),
      ...{ order: new ReorderCore(mostRecords), window, bytes, written: 0, read: 0 },
      ...{ credit: pipeDefaults.firstCreditBytes, blocksOut: 0, isStopped: false },
    };
    channel.order.handleEnd(bytes);
    this.#channels.push(channel);
    this.#credit(channel);
  }

  #step(): void {
    this.#now += this.#random.below(20);
    const lanes = [...this.#lanes.keys()];
    const lane = lanes.length > 0 ? this.#random.pick(lanes) : undefined;
    const channel = this.#random.pick(this.#channels);
    const act = this.#random.below(60);
    if (act < 12) this.#write(channel);
    else if (act < 26 && lane !== undefined) this.#send(lane);
    else if (act < 40 && lane !== undefined) this.#arrive(lane);
    else if (act < 50) this.#read(channel);
    else if (act < 57) this.#tell();
    else if (act === 57 && lane !== undefined) this.#cut(lane);
    else if (act === 58 && (lanes.length < 4 || lane === undefined)) this.#join();
    else if (act === 59 && this.#random.chance(200)) this.#stop(channel);
  }

  #join(): void {
    const lane = ++this.#lastLane;
    this.#lanes.set(lane, []);
    this.#scheduler.handleLane(lane, 'up');
  }

  #cut(lane: number): void {
    this.#lanes.delete(lane);
    this.#scheduler.handleLane(lane, 'down');
  }

  #write(channel: SimChannel): void {
    const left = channel.isStopped ? 0 : channel.bytes - channel.written;
    const most = this.#random.pick([10, 1_000, 100_000]);
    const bytes = Math.min(left, 1 + this.#random.below(most));
    if (bytes === 0) return;
    const block = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; at++) block[at] = byteAt(channel.written + at);
    channel.written += bytes;
    channel.blocksOut++;
    channel.queue.push({
      bytes: block,
      release: () => {
        channel.blocksOut--;
        // Whoever reads it behind this reads something else.
        block.fill(0xee);
      },
    });
  }

  #send(lane: number): void {
    const dispatch = this.#scheduler.pollSend(lane, this.#now);
    if (!dispatch) return;
    const { channel, piece } = dispatch.piece.source;
    if (piece.offset + piece.bytes > channel.credit)
      throw new Error('more was sent than there is credit for');
    const content = Buffer.concat(piece.parts);
    this.#lanes.get(lane)?.push({ number: dispatch.number, channel, offset: piece.offset, content });
  }

  #arrive(lane: number): void {
    const record = this.#lanes.get(lane)?.shift();
    if (!record) return;
    const { number, channel, offset, content } = record;
    const claim = this.#claims.claim(number);
    if (claim === 'full') throw new Error('there are more gaps between numbers than records under way');
    if (claim === 'copy') return;
    this.#control.push(() => this.#settle(number));
    if (channel.isStopped || content.length === 0) return;
    if (offset + content.length > channel.window.limit) throw new Error('more came than was asked for');
    if (!channel.order.claim(offset, content.length)) throw new Error('content came twice');
    const block = { bytes: content, release: () => undefined };
    channel.order.put(offset, block, channel.window.windowBytes);
  }

  #read(channel: SimChannel): void {
    const block = channel.order.take();
    if (!block) return;
    const { bytes } = block;
    for (let at = 0; at < bytes.length; at++)
      if (bytes[at] !== byteAt(channel.read + at)) throw new Error(`byte ${channel.read + at} is another`);
    channel.read += bytes.length;
    block.release();
    channel.window.handleUsed(bytes.length);
    this.#credit(channel);
  }

  #credit(channel: SimChannel): void {
    const limit = channel.window.pollCredit(channel.order.reachedBytes);
    if (limit === undefined) return;
    this.#control.push(() => {
      channel.credit = limit;
      if (!channel.queue.handleCredit(limit)) throw new Error('credit was taken back');
    });
  }

  #stop(channel: SimChannel): void {
    channel.isStopped = true;
    channel.order.close();
    channel.window.close(0);
    this.#control.push(() => channel.queue.close());
  }

  #settle(number: number): void {
    for (const { source } of this.#scheduler.handleReceived(number, number + 1, this.#now) ?? [])
      source.piece.handleReceived();
  }

  #tell(): void {
    for (let count = this.#control.length; count > 0; count--) this.#control.shift()?.();
    const promised = this.#channels
      .filter(({ isStopped }) => !isStopped)
      .reduce((sum, { window, read }) => sum + window.limit - read, 0);
    if (promised > this.#shares.promisedBytes) throw new Error('more is promised than is kept for it');
  }
}

const byteAt = (offset: number): number => (offset ^ (offset >>> 8) ^ (offset >>> 16)) & 0xff;
