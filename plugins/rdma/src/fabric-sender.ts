import type { Content, FabricEndpoint } from 'xfer/plugin';
import type { RdmaConfig } from './config.js';
import { DeliveryRateCore } from './delivery-rate-core.js';
import { messageHeadBytes, messageType, writeMessageHead, type MessageHead } from './message-head.js';

export interface FabricSenderOptions {
  readonly endpoint: FabricEndpoint;
  readonly config: RdmaConfig;
  pullControl(maxBytes: number): Uint8Array | undefined;
  /** What was sent at once and has at least `aloneBytes` comes alone. */
  pullContent(maxBytes: number, aloneBytes: number): Content | undefined;
  /** The provider, or something of the layer above, threw. */
  handleThrown(thrown: unknown): void;
  /** All is said: the end is with the endpoint. */
  handleEnded(): void;
}

interface Send {
  readonly bytes: number;
  readonly isLarge: boolean;
  /** Kept from being collected. */
  readonly chunks: readonly Uint8Array[];
  readonly done: (() => void) | undefined;
}

const noChunks: readonly Uint8Array[] = [];
const headOfControl: MessageHead = { type: messageType.control, fin: false, streamId: 0, offset: 0 };
const headOfEnd: MessageHead = { ...headOfControl, type: messageType.end };

/**
 * What goes out: control before content, so that nothing is behind what it belongs before, and each only while the other
 * side has a buffer for it: what is pulled goes at once, and turns are taken as late as can be.
 */
export class FabricSender {
  readonly rate = new DeliveryRateCore();
  readonly #options: FabricSenderOptions;
  readonly #head = new Uint8Array(messageHeadBytes);
  readonly #sends = new Map<number, Send>();
  #largeSends = 0;
  #nextToken = 1;
  /** Of the peer's buffers, once connected. */
  #controlReserve = 0;
  /** Control that was pulled and did not fit in one message. */
  #control: Uint8Array | undefined;
  #isPumping = false;
  #isEnding = false;
  #isEnded = false;
  #isOver = false;

  constructor(options: FabricSenderOptions) {
    this.#options = options;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The first message, which says no more than that it comes. */
  begin(smallCount: number): void {
    this.#controlReserve = Math.floor(smallCount * this.#options.config.controlShare);
    this.#send(headOfControl, noChunks, 0, undefined);
  }

  /** There may be something to pull, or room for it. */
  ready(): void {
    if (this.#isPumping || this.#isOver || this.#isEnded) return;
    this.#isPumping = true;
    try {
      this.#pump();
    } catch (thrown) {
      this.#options.handleThrown(thrown);
    } finally {
      this.#isPumping = false;
    }
  }

  /** The end goes behind all that was pulled. */
  close(): void {
    this.#isEnding = true;
    this.ready();
  }

  handleSent(token: number): void {
    const send = this.#sends.get(token);
    if (!send) return;
    this.#sends.delete(token);
    if (send.isLarge) this.#largeSends--;
    this.rate.handleDone(performance.now(), send.bytes);
    this.#done(send);
  }

  /** Nothing more is sent. */
  stop(): void {
    this.#isOver = true;
  }

  /** The endpoint is closed: it touches nothing any more. */
  drop(): void {
    this.stop();
    for (const token of [...this.#sends.keys()]) this.handleSent(token);
  }

  #pump(): void {
    const { endpoint, pullControl, pullContent, handleEnded, config } = this.#options;
    while (!this.#isOver && endpoint.smallRoom > 0) {
      const most = endpoint.smallRoomBytes - messageHeadBytes;
      const control = this.#control ?? (this.#isEnding ? undefined : pullControl(most));
      if (control) {
        this.#control = control.length > most ? control.subarray(most) : undefined;
        this.#send(headOfControl, [control.subarray(0, most)], Math.min(most, control.length), undefined);
      } else if (this.#isEnding) {
        this.#isEnded = true;
        this.#send(headOfEnd, noChunks, 0, undefined);
        return handleEnded();
      } else {
        if (!this.#hasContentRoom) return;
        const content = pullContent(endpoint.largeRoomBytes - messageHeadBytes, config.aloneBytes);
        if (!content) return;
        this.#sendContent(content);
      }
    }
  }

  /** How large it will be is not known before it is pulled. */
  get #hasContentRoom(): boolean {
    const { endpoint, config } = this.#options;
    if (this.#largeSends >= config.maxLargeSends || this.#sends.size >= config.maxSmallSends) return false;
    return endpoint.largeRoom > 0 && endpoint.smallRoom > this.#controlReserve;
  }

  #sendContent(content: Content): void {
    const { streamId, offset, fin, chunks, bytes } = content;
    this.#send({ type: messageType.content, fin, streamId, offset }, chunks, bytes, () => content.done());
  }

  #send(
    head: MessageHead,
    chunks: readonly Uint8Array[],
    bytes: number,
    done: (() => void) | undefined,
  ): void {
    const { endpoint } = this.#options;
    const token = this.#nextToken++;
    const isLarge = messageHeadBytes + bytes > endpoint.smallRoomBytes;
    writeMessageHead(this.#head, head);
    this.#sends.set(token, { bytes, isLarge, chunks, done });
    if (isLarge) this.#largeSends++;
    this.rate.handleSent(performance.now(), bytes);
    endpoint.send(token, this.#head, chunks);
  }

  #done({ done }: Send): void {
    try {
      done?.();
    } catch (thrown) {
      this.#options.handleThrown(thrown);
    }
  }
}
