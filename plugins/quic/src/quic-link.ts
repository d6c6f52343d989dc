import {
  isXferError,
  XferError,
  type Content,
  type ContentLimit,
  type StreamsLink,
  type StreamsLinkStats,
} from 'xfer/plugin';
import type { QuicConnection } from './binding.js';
import { bindingError } from './binding-error.js';
import type { QuicConfig } from './config.js';
import { ContentReceiver } from './content-receiver.js';
import { ContentSender } from './content-sender.js';
import { ControlStream } from './control-stream.js';
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
export class QuicLink implements StreamsLink {
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
    const handleThrown = (thrown: unknown): void => this.#handleThrown(thrown);
    this.#control = new ControlStream({
      handleThrown,
      pull: (maxBytes) => this.#pullControl(maxBytes),
      handleControl: (bytes) => this.#onControl(bytes),
      handleEnd: () => this.#handleEnd(),
    });
    this.#sender = new ContentSender({
      ...{ connection, config, handleThrown, stats: this.#stats },
      pull: (maxBytes) => this.#pullContent(maxBytes),
    });
    this.#receiver = new ContentReceiver({
      ...{ connection, config, handleThrown },
      limitOf: (id) => this.#limitOf(id),
      handleContent: (id, bytes, fin) => this.#onContent(id, bytes, fin),
    });
  }

  /** Handlers are set: now it may begin. */
  begin(): void {
    if (!this.#isOver) void this.#run();
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

  /** The dialer's first stream is control; whoever listens gets streams in the order of their ids. */
  async #run(): Promise<void> {
    const { connection, role } = this.#options;
    try {
      const first = await (role === 'dialer' ? connection.outboundStream() : connection.inboundStream());
      if (this.#isOver) return;
      this.#hasBegun = true;
      void this.#receiver.run();
      const lasts = this.#control.run(first);
      this.ready();
      await lasts;
    } catch (thrown) {
      this.#handleLost(thrown);
    }
  }

  /** No stream is open any more: all their content has come, or nobody wants it. */
  #handleEnd(): void {
    const weEndedFirst = this.#control.isFinished;
    this.#onEnd();
    if (weEndedFirst) this.abort();
  }

  /** Both may have ended at once, and the other side has closed behind our end: its own is lost, and nothing else. */
  #handleLost(thrown: unknown): void {
    if (this.#isOver) return;
    this.#end();
    if (this.#control.isFinished) this.#onEnd();
    else this.#onError(bindingError(thrown, this.#options.name));
  }

  #handleThrown(thrown: unknown): void {
    if (this.#isOver) return;
    const { name, connection } = this.#options;
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    const code = isXferError(thrown) ? thrown.code : 'ERR_XFER_INTERNAL';
    this.#end();
    // Whatever the layer above does with it, nothing is sent any more but the end.
    connection.abort();
    this.#onError(new XferError(code, `${name}: ${said}`, { cause: thrown }));
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#control.end();
    this.#receiver.end();
    this.#sender.end();
  }
}
