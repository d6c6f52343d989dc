import { maxMessageBytes, XferError, type Message, type MessageSink } from 'xfer/plugin';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, type WritableSocket } from './binding.js';
import { zmqConfig } from './config.js';
import { loopTurn } from './loop-turn.js';
import { lengthOf } from './message-source.js';

export interface ZmqSinkOptions {
  readonly socket: WritableSocket;
  /** As ZmqSourceOptions.isShared: whether the socket is read, too. */
  readonly isShared: boolean;
  /** The first part of each message names the peer that it is for; each peer has a queue of its own. */
  readonly isRouter: boolean;
  /** The first message waits until then (`performance.now`), so that subscribers get it. */
  readonly firstAtMs: number;
  onNote(message: string): void;
  /** All was sent. Resolves when what is queued has gone; rejects where it may be lost. */
  onEnd(): Promise<void>;
  /** Nothing more is to be sent, and what is queued is not, either. */
  onAbort(): void;
}

/** Messages into a socket. As long as it takes them none waits for its promise; each call waits for the last one. */
export class ZmqSink implements MessageSink {
  readonly kind = 'messages';
  readonly #options: ZmqSinkOptions;
  /** Those that the socket did not take although it had room: a peer left in that moment. */
  readonly #refused: Outgoing[] = [];
  #error: XferError | undefined;
  #isStarted = false;
  #hasNoted = false;
  #sinceTurn = 0;

  constructor(options: ZmqSinkOptions) {
    this.#options = options;
  }

  async write(messages: readonly Message[]): Promise<void> {
    if (!this.#isStarted) await this.#start();
    const { socket, isRouter } = this.#options;
    let last: Promise<void> | undefined;
    for (const message of messages) {
      this.#throwError();
      const parts = checked(message);
      if (isRouter || !socket.writable) {
        await last;
        await this.#sendRefused();
        await this.#sendWaiting(parts);
        continue;
      }
      socket.sendTimeout = 0;
      last = socket.send(parts).then(undefined, () => void this.#refused.push(parts));
      this.#sinceTurn += 1;
      if (this.#sinceTurn < zmqConfig.messagesPerTurn) continue;
      this.#sinceTurn = 0;
      await last;
      await this.#sendRefused();
      await loopTurn();
    }
    await last;
    await this.#sendRefused();
  }

  async end(): Promise<void> {
    this.#throwError();
    await this.#options.onEnd();
  }

  abort(error: XferError): void {
    if (this.#error) return;
    this.#error = error;
    this.#options.onAbort();
  }

  /** Peers come and go, and no socket says that none will come again. */
  onBroken(): void {
    return;
  }

  /** Slow joiners: what a pub sends before a subscription has come to it goes nowhere (ZeroMQ RFC 29). */
  async #start(): Promise<void> {
    this.#isStarted = true;
    const waitMs = this.#options.firstAtMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
  }

  async #sendRefused(): Promise<void> {
    for (let parts = this.#refused.shift(); parts; parts = this.#refused.shift())
      await this.#sendWaiting(parts);
  }

  /** Sends one as soon as there is room: of a router, in the queue of the peer that it is for. */
  async #sendWaiting(parts: Outgoing): Promise<void> {
    const { socket, isRouter, isShared } = this.#options;
    for (;;) {
      this.#throwError();
      // -1 is for ever: whoever closes the socket ends that, too.
      socket.sendTimeout = isRouter ? 0 : isShared ? zmqConfig.sharedWaitMs : -1;
      const errno = await socket.send(parts).then(() => undefined, errnoOf);
      if (errno === undefined) break;
      this.#throwError();
      if (errno === 'EHOSTUNREACH') {
        this.#noteDropped();
        break;
      }
      if (errno !== 'EAGAIN')
        throw new XferError('ERR_XFER_CONNECTION_LOST', `the ZeroMQ socket cannot be written (${errno})`);
      if (isRouter) await sleep(zmqConfig.fullPeerMs);
    }
    this.#sinceTurn += 1;
    if (this.#sinceTurn < zmqConfig.messagesPerTurn) return;
    this.#sinceTurn = 0;
    await loopTurn();
  }

  #noteDropped(): void {
    if (this.#hasNoted) return;
    this.#hasNoted = true;
    this.#options.onNote('messages for ZeroMQ peers that are not there are dropped');
  }

  #throwError(): void {
    if (this.#error) throw this.#error;
  }
}

type Outgoing = Uint8Array | Uint8Array[];

/** Up to here the binding copies by itself. */
const copiedBytes = 128;

/** A message as the binding takes it: in memory of its own where libzmq reads it on a thread of its own, maybe later. */
function checked(message: Message): Outgoing {
  const bytes = lengthOf(message);
  if (message.length === 0 || bytes > maxMessageBytes)
    throw new XferError(
      'ERR_XFER_FRAMING',
      message.length === 0
        ? 'a message has no part'
        : `a message has ${bytes} bytes, more than ${maxMessageBytes}`,
    );
  const [only, ...others] = message;
  if (only && others.length === 0) return own(only);
  return message.map(own);
}

const own = (part: Uint8Array): Uint8Array => (part.length > copiedBytes ? Buffer.from(part) : part);
