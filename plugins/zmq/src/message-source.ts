import { maxMessageBytes, XferError, type Message, type MessageSource } from 'xfer/plugin';
import { errnoOf, type ReadableSocket } from './binding.js';
import { zmqConfig } from './config.js';
import { loopTurn } from './loop-turn.js';

export interface ZmqSourceOptions {
  readonly socket: ReadableSocket;
  /**
   * Whether the socket is written, too. Asking it whether it can be written takes in the very signal that a waiting
   * `receive` waits for (ZMQ_FD is edge-triggered, zmq_getsockopt(3)), so nothing may wait for long.
   */
  readonly isShared: boolean;
  readonly count?: number | undefined;
  readonly idleMs?: number | undefined;
  /** Nobody reads it any more: of a socket that is read alone, closes it, so that a `receive` that waits is over. */
  onStop(): void;
}

/**
 * Messages of a socket. A read waits for the first, and takes all that are there with it: each comes in a promise that is
 * settled already, and one `await` is enough for many.
 */
export class ZmqSource implements MessageSource {
  readonly kind = 'messages';
  readonly #options: ZmqSourceOptions;
  /** Received, and not yet read: from `#next` on. */
  #held: Message[] = [];
  #next = 0;
  #heldBytes = 0;
  /** How many more it gives. */
  #left: number;
  #error: XferError | undefined;
  #isStopped = false;
  #sinceTurn = 0;

  constructor(options: ZmqSourceOptions) {
    this.#options = options;
    this.#left = options.count ?? Infinity;
  }

  async read(mostBytes: number): Promise<readonly Message[] | undefined> {
    const most = Math.max(mostBytes, 1);
    if (this.#next === this.#held.length) await this.#fill(most);
    const messages = this.#take(most);
    if (messages.length > 0) return messages;
    if (this.#isStopped) return undefined;
    if (this.#error) throw this.#error;
    return undefined;
  }

  /** What was received already is still given: peers have it no more. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#options.onStop();
  }

  async #fill(mostBytes: number): Promise<void> {
    this.#held = [];
    this.#next = 0;
    this.#heldBytes = 0;
    if (this.#sinceTurn >= zmqConfig.messagesPerTurn) {
      this.#sinceTurn = 0;
      await loopTurn();
    }
    await this.#drain(mostBytes);
    if (this.#held.length > 0 || !(await this.#first())) return;
    this.#sinceTurn = 0;
    await this.#drain(mostBytes);
  }

  /** What is there. How long a message is shows only behind an `await`, so each step is as large as what came promises. */
  async #drain(mostBytes: number): Promise<void> {
    if (!this.#canTake()) return;
    const { socket } = this.#options;
    socket.receiveTimeout = 0;
    for (let step = firstStep; this.#canTake() && this.#heldBytes < mostBytes; step *= 2) {
      const room = zmqConfig.messagesPerTurn - this.#held.length;
      const meanBytes = Math.max(this.#heldBytes / Math.max(this.#held.length, 1), 1);
      const fitting = Math.ceil((mostBytes - this.#heldBytes) / meanBytes);
      const most = Math.min(step, room, fitting, this.#left);
      let last: Promise<void> | undefined;
      let asked = 0;
      for (; asked < most && socket.readable; asked += 1)
        last = socket.receive().then(this.#onMessage, this.#onFailure);
      await last;
      this.#sinceTurn += asked;
      if (asked < most || room <= asked) return;
    }
  }

  /** Waits for a message: false if there is to be none. */
  async #first(): Promise<boolean> {
    const { socket, isShared, idleMs } = this.#options;
    const idleAt = idleMs === undefined ? Infinity : performance.now() + idleMs;
    const mostMs = isShared ? zmqConfig.sharedWaitMs : Infinity;
    while (this.#canTake()) {
      const waitMs = Math.min(mostMs, Math.ceil(idleAt - performance.now()));
      if (waitMs <= 0) return false;
      // -1 is for ever.
      socket.receiveTimeout = waitMs === Infinity ? -1 : waitMs;
      await socket.receive().then(this.#onMessage, this.#onFailure);
      if (this.#held.length > 0) return true;
    }
    return false;
  }

  #canTake(): boolean {
    return !this.#isStopped && this.#error === undefined && this.#left > 0;
  }

  readonly #onMessage = (message: Message): void => {
    this.#left -= 1;
    const bytes = lengthOf(message);
    if (bytes > maxMessageBytes)
      this.#error ??= new XferError(
        'ERR_XFER_FRAMING',
        `a message has ${bytes} bytes, more than ${maxMessageBytes}`,
      );
    if (this.#error) return;
    this.#held.push(message);
    this.#heldBytes += bytes;
  };

  /** EAGAIN: nothing came in time, or the socket was closed. */
  readonly #onFailure = (cause: unknown): void => {
    if (this.#isStopped || errnoOf(cause) === 'EAGAIN') return;
    this.#error ??= new XferError('ERR_XFER_CONNECTION_LOST', 'the ZeroMQ socket cannot be read', { cause });
  };

  #take(mostBytes: number): readonly Message[] {
    const from = this.#next;
    let bytes = 0;
    while (this.#next < this.#held.length && bytes < mostBytes) {
      bytes += lengthOf(this.#held[this.#next] ?? []);
      this.#next += 1;
    }
    const isAll = from === 0 && this.#next === this.#held.length;
    return isAll ? this.#held : this.#held.slice(from, this.#next);
  }
}

/** Messages that are taken before anything is known of how long they are. */
const firstStep = 16;

export const lengthOf = (message: Message): number => {
  let bytes = 0;
  for (const part of message) bytes += part.length;
  return bytes;
};
