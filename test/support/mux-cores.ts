import { MuxBudget } from '../../src/mux/budget.js';
import type { Batch } from '../../src/mux/batch.js';
import { muxConfig, type MuxConfig } from '../../src/mux/config.js';
import type { CoreStream, StreamEvents } from '../../src/mux/core-stream.js';
import { MuxCore } from '../../src/mux/core.js';
import { FrameDecoder } from '../../src/mux/decode.js';
import { frameType } from '../../src/mux/frame.js';
import type { Content } from '../../src/mux/streams-link.js';
import { encodeHello } from '../../src/mux/hello.js';

/** What happened to a stream, in words, and its content. */
export class Witness implements StreamEvents {
  readonly log: string[] = [];
  readonly content: number[] = [];

  handleOpened(answer: Uint8Array): void {
    this.log.push(`opened${said(answer)}`);
  }
  handleRefused(code: number, detail: Uint8Array): void {
    this.log.push(`refused ${code}${said(detail)}`);
  }
  handleData(bytes: Uint8Array): void {
    for (const byte of bytes) this.content.push(byte);
  }
  /** Memory that the reader of the stream offers. */
  offered: Uint8Array | undefined;

  place(): Uint8Array | undefined {
    return this.offered;
  }
  handleEnd(): void {
    this.log.push('end');
  }
  handleClosed(): void {}
  handleReset(code: number, detail: Uint8Array): void {
    this.log.push(`reset ${code}${said(detail)}`);
  }
  handleStop(code: number): void {
    this.log.push(`stop ${code}`);
  }
  handleDrained(): void {
    this.log.push('drained');
  }
}

const said = (detail: Uint8Array): string =>
  detail.length === 0 ? '' : ` "${Buffer.from(detail).toString('latin1')}"`;

export interface Frame {
  readonly type: number;
  readonly id: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** The name of a frame's type, for readable expectations. */
export const nameOf = (type: number): string =>
  Object.entries(frameType).find(([, value]) => value === type)?.[0] ?? `type ${type}`;

/** A core whose other side is the test: frames in, frames out. */
export class LoneCore {
  readonly core: MuxCore;
  readonly budget: MuxBudget;
  readonly streams: CoreStream[] = [];
  readonly messages: string[] = [];
  /** Ids of streams that are gone. */
  readonly left: number[] = [];
  readonly witnesses = new Map<CoreStream, Witness>();
  /** How often it was said that there may be something to poll. */
  outputs = 0;
  now = 0;
  readonly #frames: Frame[] = [];
  readonly #decoder: FrameDecoder;

  constructor(
    options: {
      dialer?: boolean;
      config?: Partial<MuxConfig>;
      hello?: Partial<MuxConfig> | false;
      contentBeside?: boolean;
      minRttMs?: number;
    } = {},
  ) {
    const config = muxConfig(options.config);
    const { minRttMs } = options;
    this.budget = new MuxBudget(config);
    const dialer = options.dialer ?? false;
    this.core = new MuxCore({
      dialer,
      config,
      budget: this.budget,
      now: 0,
      contentBeside: options.contentBeside ?? false,
      ...(minRttMs === undefined ? {} : { minRttMs: () => minRttMs }),
      events: {
        stream: (stream) => this.watch(stream),
        output: () => {
          this.outputs++;
        },
        message: (bytes) => void this.messages.push(Buffer.from(bytes).toString('latin1')),
        left: (id) => this.handleLeft(id),
      },
    });
    this.#decoder = frameDecoder(this.#frames);
    if (options.hello === false) return;
    const theirs = muxConfig(options.hello);
    const hello = encodeHello(dialer ? frameType.linkHelloAck : frameType.linkHello, {
      lowestVersion: 1,
      highestVersion: 1,
      maxStreams: theirs.maxStreamsPerPeer,
      maxPendingOpens: theirs.maxPendingOpens,
      firstWindowBytes: theirs.earlyStreamBytes,
      maxPayloadBytes: theirs.maxFramePayloadBytes,
    });
    this.core.handleData(0, hello);
  }

  handleLeft(id: number): void {
    this.left.push(id);
  }

  watch(stream: CoreStream): Witness {
    const witness = new Witness();
    stream.events = witness;
    this.streams.push(stream);
    this.witnesses.set(stream, witness);
    return witness;
  }

  /** Opens a stream of this side. */
  open(priority = 0): CoreStream {
    const stream = this.core.open(this.now, new Uint8Array(0), priority);
    if ('refused' in stream) throw new Error(`refused ${stream.refused}`);
    this.watch(stream);
    return stream;
  }

  /** Gives frames to the core; what it finds wrong, or undefined. */
  feed(...frames: Uint8Array[]): string | undefined {
    return this.core.handleData(this.now, Buffer.concat(frames))?.reason;
  }

  /** The frames that the core sends now; the link takes them at once. */
  take(maxBytes = 1 << 30): Frame[] {
    let batch: Batch | undefined;
    while ((batch = this.core.poll(this.now, maxBytes))) {
      this.#decoder.push(Buffer.concat(batch.chunks));
      this.core.handleWritten(this.now, batch);
    }
    return this.#frames.splice(0);
  }

  /** The frames but content, where the link carries content beside them, in one pull or in as many as there are. */
  takeControl(maxBytes = 1 << 30, once = false): Frame[] {
    for (let frames; (frames = this.core.pollControl(this.now, maxBytes));) {
      this.#decoder.push(frames);
      if (once) break;
    }
    return this.#frames.splice(0);
  }

  /** Content in the order in which it goes, in pieces of so many bytes. */
  takeContent(maxBytes = 1 << 30): Content[] {
    const all: Content[] = [];
    for (let content; (content = this.core.pollContent(this.now, maxBytes));) all.push(content);
    return all;
  }

  /** Like `take`, as `type id` in words. */
  takeNames(): string[] {
    return this.take().map((frame) => `${nameOf(frame.type)} ${frame.id}`);
  }
}

/** Gathers whole frames, data included. */
function frameDecoder(into: Frame[]): FrameDecoder {
  let pieces: Buffer[] = [];
  const decoder = new FrameDecoder(
    {
      control: (type, id, payload) => void into.push({ type, id, flags: 0, payload: Buffer.from(payload) }),
      dataStart: () => {
        pieces = [];
        return undefined;
      },
      data: (bytes) => void pieces.push(Buffer.from(bytes)),
      dataEnd: (id, flags) =>
        void into.push({ type: frameType.streamData, id, flags, payload: Buffer.concat(pieces) }),
    },
    { maxHeaderBytes: 1 << 16, maxPayloadBytes: 1 << 24 },
  );
  return decoder;
}
