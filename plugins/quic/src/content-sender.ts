import type { Content } from 'xfer/plugin';
import type { QuicConnection } from './binding.js';
import type { QuicConfig } from './config.js';
import { OutgoingStream } from './outgoing-stream.js';
import type { PathStats } from './path-stats.js';
import { SendAllowanceCore } from './send-allowance-core.js';
import { encodeId, encodePieceHeader, sharedId } from './wire.js';

export interface ContentSource {
  pullContent(maxBytes: number): Content | undefined;
  /** Something of the layer above threw. */
  handleThrown(thrown: unknown): void;
}

export interface ContentSenderOptions {
  readonly connection: QuicConnection;
  readonly config: QuicConfig;
  readonly stats: PathStats;
  readonly source: ContentSource;
}

/** Counters as old as this are looked at again. */
const sampleAgeMs = 1;

/** Pulls content as quinn sends it, and gives that of each stream a stream of QUIC, or that of many one. */
export class ContentSender {
  readonly allowance: SendAllowanceCore;
  readonly #options: ContentSenderOptions;
  /** Made with the first, as what follows is: most connections of a listener with many are idle. */
  #someStreams: Map<number, OutgoingStream> | undefined;
  #someOwn: Set<OutgoingStream> | undefined;
  #shared: OutgoingStream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isPulling = false;
  #isOver = false;

  constructor(options: ContentSenderOptions) {
    this.#options = options;
    this.allowance = new SendAllowanceCore(options.config);
  }

  get #streams(): Map<number, OutgoingStream> {
    return (this.#someStreams ??= new Map());
  }

  /** Those of them that are streams of QUIC of their own, and not over. */
  get #own(): Set<OutgoingStream> {
    return (this.#someOwn ??= new Set());
  }

  /** There may be something to pull. */
  ready(): void {
    if (this.#isPulling || this.#isOver) return;
    this.#isPulling = true;
    try {
      this.#pull();
    } catch (thrown) {
      this.#options.source.handleThrown(thrown);
    } finally {
      this.#isPulling = false;
    }
  }

  forget(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (!stream) return;
    this.#streams.delete(streamId);
    if (stream === this.#shared) stream.forget(streamId);
    else stream.drop();
  }

  /** Every `done` is called soon. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const stream of new Set([
      ...this.#streams.values(),
      ...this.#own,
      ...(this.#shared ? [this.#shared] : []),
    ]))
      stream.drop();
  }

  #pull(): void {
    const { source, config } = this.#options;
    while (!this.#isOver) {
      const room = Math.min(this.allowance.roomBytes, config.writeBytes);
      if (room === 0) return this.#waitForRoom();
      const content = source.pullContent(room);
      if (!content) return;
      this.allowance.handleTaken(content.bytes);
      this.#streamFor(content.streamId).push(content);
    }
  }

  #waitForRoom(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#sample();
      this.ready();
    }, this.allowance.waitMs);
  }

  #sample(): void {
    const now = performance.now();
    this.allowance.handleSample(now, this.#options.stats.sample(now, sampleAgeMs));
  }

  #streamFor(id: number): OutgoingStream {
    const known = this.#streams.get(id);
    if (known) return known;
    const stream =
      this.#own.size < this.#options.config.maxContentStreams ? this.#newOwn(id) : this.#theShared();
    this.#streams.set(id, stream);
    return stream;
  }

  #newOwn(id: number): OutgoingStream {
    const { connection } = this.#options;
    const stream: OutgoingStream = new OutgoingStream({
      connection,
      opening: encodeId(id),
      user: {
        handleDone: (content, copied) => this.#handleDone(content, copied),
        handleEnd: () => void this.#own.delete(stream),
      },
    });
    this.#own.add(stream);
    return stream;
  }

  #theShared(): OutgoingStream {
    const { connection } = this.#options;
    return (this.#shared ??= new OutgoingStream({
      connection,
      opening: encodeId(sharedId),
      headerOf: ({ streamId, fin, bytes }) => encodePieceHeader({ id: streamId, fin, bytes }),
      user: {
        handleDone: (content, copied) => this.#handleDone(content, copied),
        handleEnd: () => undefined,
      },
    }));
  }

  #handleDone(content: Content, copied: boolean): void {
    if (!copied) this.allowance.handleDropped(content.bytes);
    try {
      content.done();
    } catch (thrown) {
      this.#options.source.handleThrown(thrown);
    }
    this.ready();
  }
}
