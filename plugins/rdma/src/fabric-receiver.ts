import type { ContentLimit, FabricEndpoint, Retain } from 'xfer/plugin';
import type { RdmaConfig } from './config.js';
import type { ReceivedMessage } from './endpoint-events.js';
import {
  messageHeadBytes,
  messageType,
  readMessageHead,
  violation,
  type MessageHead,
} from './message-head.js';

export interface FabricReceiverOptions {
  readonly endpoint: FabricEndpoint;
  readonly config: RdmaConfig;
  /** The first message came: the fabric carries. */
  handleFirst(): void;
  handleControl(bytes: Uint8Array): void;
  handleContent(streamId: number, bytes: Uint8Array, fin: boolean, retain?: Retain): void;
  limitOf(streamId: number): ContentLimit;
  handleEnd(): void;
}

/** What comes in. Messages that come before anybody is there for them are kept where they lie. */
export class FabricReceiver {
  readonly #options: FabricReceiverOptions;
  #small: Buffer;
  #large: Buffer;
  readonly #mostKept: number;
  /** How much has come of each stream. */
  readonly #received = new Map<number, number>();
  #early: ReceivedMessage[] | undefined = [];
  #hasFirst = false;
  #hasEnd = false;
  #kept = 0;
  #isOver = false;

  constructor(options: FabricReceiverOptions) {
    const { endpoint, config } = options;
    this.#options = options;
    this.#small = Buffer.from(endpoint.smallMemory);
    this.#large = Buffer.from(endpoint.largeMemory);
    this.#mostKept = Math.floor(config.largeCount * config.keptShare);
  }

  /** Throws where the other side breaks the rules, and what those throw who take the content. */
  handle(message: ReceivedMessage): void {
    if (this.#isOver) return;
    const bytes = this.#bytesOf(message);
    if (!this.#hasFirst) return this.#handleFirst(bytes);
    if (!this.#early) return this.#take(message, bytes);
    this.#options.endpoint.retain(message.block);
    this.#early.push(message);
  }

  /** Handlers are there: gives out what has come before. */
  begin(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) {
      // What one of them does may be the end of all.
      if (this.#isOver) return;
      this.#take(message, this.#bytesOf(message));
      this.#release(message.block);
    }
  }

  forget(streamId: number): void {
    this.#received.delete(streamId);
  }

  /** Nothing is given out any more, and nothing given back: what readers keep is theirs, and the rest of the memory nobody's. */
  stop(): void {
    this.#isOver = true;
    this.#early = undefined;
    this.#small = Buffer.alloc(0);
    this.#large = Buffer.alloc(0);
  }

  #handleFirst(bytes: Uint8Array): void {
    const { type } = readMessageHead(bytes);
    if (type !== messageType.control || bytes.length > messageHeadBytes)
      throw violation('a connection that begins with something else than its beginning');
    this.#hasFirst = true;
    this.#options.handleFirst();
  }

  #take(message: ReceivedMessage, bytes: Uint8Array): void {
    const head = readMessageHead(bytes);
    const content = bytes.subarray(messageHeadBytes);
    if (this.#hasEnd) throw violation('a message behind the end');
    if (head.type === messageType.control) {
      if (content.length === 0) throw violation('control of nothing');
      this.#options.handleControl(content);
    } else if (head.type === messageType.end) {
      this.#hasEnd = true;
      this.#options.handleEnd();
    } else this.#takeContent(message, head, content);
  }

  #takeContent(message: ReceivedMessage, { streamId, offset, fin }: MessageHead, content: Uint8Array): void {
    const limit = this.#options.limitOf(streamId);
    if (limit === 'over') return;
    // Its OPEN went before it, and nothing overtakes here.
    if (limit === 'unopened') throw violation('content of a stream that is not open');
    const received = this.#received.get(streamId) ?? 0;
    if (offset !== received) throw violation('content that is not what comes next');
    if (received + content.length > limit) throw violation('more content than was granted');
    // Who handles it may forget it.
    this.#received.set(streamId, received + content.length);
    if (!message.isLarge) return this.#options.handleContent(streamId, content, fin);
    const keeping = this.#keeping(message.block);
    try {
      this.#options.handleContent(streamId, content, fin, keeping.retain);
    } finally {
      keeping.isCurrent = false;
    }
  }

  /** Lets a reader keep a buffer, within its call. */
  #keeping(block: number): { isCurrent: boolean; readonly retain: Retain } {
    const keeping = {
      isCurrent: true,
      retain: (): (() => void) | undefined => {
        if (!keeping.isCurrent || this.#isOver || this.#kept >= this.#mostKept) return undefined;
        keeping.isCurrent = false;
        this.#kept++;
        this.#options.endpoint.retain(block);
        let isKept = true;
        return () => {
          if (!isKept) return;
          isKept = false;
          this.#kept--;
          this.#release(block);
        };
      },
    };
    return keeping;
  }

  /** An endpoint that closes keeps no count of its buffers. */
  #release(block: number): void {
    if (!this.#isOver) this.#options.endpoint.release(block);
  }

  #bytesOf({ isLarge, offset, bytes }: ReceivedMessage): Uint8Array {
    return (isLarge ? this.#large : this.#small).subarray(offset, offset + bytes);
  }
}
