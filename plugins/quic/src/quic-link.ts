import {
  isXferError,
  XferError,
  type Content,
  type ContentLimit,
  type StreamsLink,
  type StreamsLinkStats,
} from 'xfer/plugin';
import type { QuicConnection, QuicStream } from './binding.js';
import { bindingError } from './binding-error.js';
import type { QuicConfig } from './config.js';
import { ContentReceiver, type ContentUser } from './content-receiver.js';
import { ContentSender, type ContentSource } from './content-sender.js';
import { ControlStream, type ControlUser } from './control-stream.js';
import { PathStats } from './path-stats.js';

const nothing = (): undefined => undefined;

export interface QuicLinkOptions {
  readonly connection: QuicConnection;
  readonly role: 'dialer' | 'listener';
  readonly config: QuicConfig;
  /** The other side, for messages. */
  readonly name: string;
}

/** Counters as old as this are good enough for whoever asks. */
const statsAgeMs = 10;

/**
 * A link for mux over one QUIC connection: control on its first stream, content on streams beside it. quinn's close is at
 * once, and throws away what is under way. So each side ends its control, and who has both sent and got such an end
 * first closes: then nothing is under way any more.
 */
export class QuicLink implements StreamsLink, ControlUser, ContentSource, ContentUser {
  readonly #options: QuicLinkOptions;
  readonly #stats: PathStats;
  readonly #control: ControlStream;
  readonly #sender: ContentSender;
  readonly #receiver: ContentReceiver;
  #pullControl: (maxBytes: number) => Uint8Array | undefined = nothing;
  #pullContent: (maxBytes: number) => Content | undefined = nothing;
  #onControl: (bytes: Uint8Array) => void = nothing;
  #onContent: (streamId: number, bytes: Uint8Array, fin: boolean) => void = nothing;
  #limitOf: (streamId: number) => ContentLimit = () => 'over';
  #onEnd: () => void = nothing;
  #onError: (error: Error) => void = nothing;
  #hasBegun = false;
  #isOver = false;

  constructor(options: QuicLinkOptions) {
    const { connection, config } = options;
    this.#options = options;
    this.#stats = new PathStats(connection);
    this.#control = new ControlStream(this);
    this.#sender = new ContentSender({ connection, config, stats: this.#stats, source: this });
    this.#receiver = new ContentReceiver({ connection, config, user: this });
  }

  /** Handlers are set: now it may begin. Resolves when the QUIC connection is over; `closed()` of the binding would cost each 3 KB. */
  begin(): Promise<void> {
    return this.#isOver ? Promise.resolve() : this.#run();
  }

  ready(): void {
    if (this.#isOver || !this.#hasBegun) return;
    this.#control.ready();
    this.#sender.ready();
  }

  forget(streamId: number): void {
    this.#sender.forget(streamId);
    this.#receiver.forget(streamId);
  }

  opened(streamId: number): void {
    this.#receiver.opened(streamId);
  }

  close(): void {
    this.#control.close();
  }

  abort(): void {
    this.#end();
    this.#options.connection.abort();
  }

  onPullControl(handler: (maxBytes: number) => Uint8Array | undefined): void {
    this.#pullControl = handler;
  }

  onPullContent(handler: (maxBytes: number) => Content | undefined): void {
    this.#pullContent = handler;
  }

  onControl(handler: (bytes: Uint8Array) => void): void {
    this.#onControl = handler;
  }

  onContent(handler: (streamId: number, bytes: Uint8Array, fin: boolean) => void): void {
    this.#onContent = handler;
  }

  onLimit(handler: (streamId: number) => ContentLimit): void {
    this.#limitOf = handler;
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onError(handler: (error: Error) => void): void {
    this.#onError = handler;
  }

  stats(): StreamsLinkStats {
    const path = this.#stats.sample(performance.now(), statsAgeMs);
    const { inFlightBytes, unsentBytes, rate } = this.#sender.allowance;
    return {
      minRttMs: path.minRttMs,
      rttMs: path.rttMs,
      lost: path.lostPackets,
      ...{ inFlightBytes, unsentBytes, deliveryRate: rate },
      cwndBytes: path.cwndBytes,
      datagramsSent: path.sentDatagrams,
      datagramsReceived: path.receivedDatagrams,
      congestionEvents: path.congestionEvents,
    };
  }

  pullControl(maxBytes: number): Uint8Array | undefined {
    return this.#pullControl(maxBytes);
  }

  pullContent(maxBytes: number): Content | undefined {
    return this.#pullContent(maxBytes);
  }

  handleControl(bytes: Uint8Array): void {
    this.#onControl(bytes);
  }

  handleContent(streamId: number, bytes: Uint8Array, fin: boolean): void {
    this.#onContent(streamId, bytes, fin);
  }

  limitOf(streamId: number): ContentLimit {
    return this.#limitOf(streamId);
  }

  /** No stream is open any more: all their content has come, or nobody wants it. */
  handleEnd(): void {
    const weEndedFirst = this.#control.isFinished;
    this.#onEnd();
    if (weEndedFirst) this.abort();
  }

  handleThrown(thrown: unknown): void {
    if (this.#isOver) return;
    const { name } = this.#options;
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    const code = isXferError(thrown) ? thrown.code : 'ERR_XFER_INTERNAL';
    // Whatever the layer above does with it, nothing is sent any more but the end.
    this.abort();
    this.#onError(new XferError(code, `${name}: ${said}`, { cause: thrown }));
  }

  /** The dialer's first stream is control; whoever listens gets streams in the order of their ids. */
  #run(): Promise<void> {
    const { connection, role } = this.#options;
    const first = role === 'dialer' ? connection.outboundStream() : connection.inboundStream();
    const handleLost = (thrown: unknown): void => this.#handleLost(thrown);
    // Not awaited one in the other: of an idle connection all that waits is memory.
    return first.then((stream) => this.#handleFirst(stream, handleLost), handleLost);
  }

  /** Resolves when the connection is over. */
  #handleFirst(stream: QuicStream, handleLost: (thrown: unknown) => void): Promise<void> | undefined {
    if (this.#isOver) return undefined;
    this.#hasBegun = true;
    const receiving = this.#receiver.run();
    this.#control.run(stream).catch(handleLost);
    this.ready();
    return receiving;
  }

  /** Both may have ended at once, and the other side has closed behind our end: its own is lost, and nothing else. */
  #handleLost(thrown: unknown): void {
    if (this.#isOver) return;
    this.abort();
    if (this.#control.isFinished) this.#onEnd();
    else this.#onError(bindingError(thrown, this.#options.name));
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#control.end();
    this.#receiver.end();
    this.#sender.end();
  }
}
