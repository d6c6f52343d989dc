import {
  extensionType,
  fault,
  firstIgnorableType,
  frameFlag,
  frameHeaderBytes,
  frameType,
  maxLinkMessageBytes,
  maxStreamDetailBytes,
  openFixedBytes,
  type MuxFault,
} from './frame.js';
import { FrameCounts } from './frame-counts.js';
import { maxHelloBytes } from './hello.js';

type Verdict = MuxFault | undefined;

/** Where decoded frames go. A returned fault stops the decoder for good. */
export interface FrameSink {
  /** A whole frame other than STREAM_DATA; `payload` lives until the call returns. */
  control(type: number, id: number, payload: Uint8Array): Verdict;
  dataStart(id: number, flags: number, payloadBytes: number): Verdict;
  /** A piece of the payload: a slice of the input, which lives until the call returns. */
  data(bytes: Uint8Array): Verdict;
  dataEnd(id: number, flags: number): Verdict;
}

const state = { header: 0, control: 1, data: 2, skip: 3 } as const;
const exactly = (bytes: number) => ({ least: bytes, most: bytes });
const emptyPayload = new Uint8Array(0);

/**
 * Bytes in, frames out, in whatever pieces they come. Holds at most one header and one control payload
 * (4 KiB and a little); content is passed on in slices of the input, never gathered.
 */
export class FrameDecoder {
  /** Frames that have begun to come in. */
  readonly counts = new FrameCounts();
  readonly #sink: FrameSink;
  readonly #header = new Uint8Array(frameHeaderBytes);
  /** Of a control payload that comes in pieces: as long as the longest of them so far. */
  #control = emptyPayload;
  readonly #maxHeaderBytes: number;
  #maxPayloadBytes: number;
  #state: number = state.header;
  /** Bytes of the header or control payload that are there. */
  #have = 0;
  /** Bytes of the payload that are still to come. */
  #left = 0;
  #type = 0;
  #flags = 0;
  #id = 0;
  #fault: Verdict;

  constructor(sink: FrameSink, limits: { maxHeaderBytes: number; maxPayloadBytes: number }) {
    this.#sink = sink;
    this.#maxHeaderBytes = limits.maxHeaderBytes;
    this.#maxPayloadBytes = limits.maxPayloadBytes;
  }

  /** Takes effect with the next frame. */
  set maxPayloadBytes(bytes: number) {
    this.#maxPayloadBytes = bytes;
  }

  /** Bytes of content that come next, before anything else; 0 where something else does. */
  get contentLeft(): number {
    return this.#state === state.data ? this.#left : 0;
  }

  /** Never throws by itself; after a fault every further call returns the same one. */
  push(input: Uint8Array): Verdict {
    let at = 0;
    while (at < input.length && this.#fault === undefined) {
      if (this.#state === state.header) at = this.#readHeader(input, at);
      else if (this.#state === state.control) at = this.#readControl(input, at);
      else at = this.#readPayload(input, at);
    }
    return this.#fault;
  }

  #readHeader(input: Uint8Array, from: number): number {
    const take = Math.min(frameHeaderBytes - this.#have, input.length - from);
    for (let i = 0; i < take; i++) this.#header[this.#have + i] = input[from + i] ?? 0;
    this.#have += take;
    if (this.#have === frameHeaderBytes) this.#begin();
    return from + take;
  }

  #begin(): void {
    const header = this.#header;
    this.#have = 0;
    this.#type = header[0] ?? 0;
    this.#flags = header[1] ?? 0;
    this.#left = uint32(header, 2);
    const high = uint32(header, 6);
    this.#id = high * 2 ** 32 + uint32(header, 10);
    this.#fault = high >= 2 ** 21 ? fault('a stream id above 2^53 − 1') : this.#check();
    if (this.#fault) return;
    this.counts.count(this.#type);
    if (this.#type === frameType.streamData) this.#beginData();
    else if (this.#isSkipped) this.#state = this.#left === 0 ? state.header : state.skip;
    else if (this.#left === 0) this.#fault = this.#sink.control(this.#type, this.#id, emptyPayload);
    else this.#state = state.control;
  }

  #check(): Verdict {
    if (this.#isSkipped)
      return this.#left > this.#maxPayloadBytes ? fault('a frame that is too long') : undefined;
    const onLink = linkFrames.has(this.#type);
    const range = this.#range();
    if (!range) return fault(`an unknown frame type ${this.#type}`);
    if (this.#left < range.least || this.#left > range.most)
      return fault(`a frame of type ${this.#type} with ${this.#left} bytes`);
    const known = this.#type === frameType.streamData ? frameFlag.finWrite | frameFlag.finRead : 0;
    if ((this.#flags & ~known) !== 0) return fault(`unknown flags ${this.#flags} on type ${this.#type}`);
    if (onLink !== (this.#id === 0)) return fault(`a frame of type ${this.#type} on stream ${this.#id}`);
    if (this.#type === frameType.streamData && this.#left === 0 && this.#flags === 0)
      return fault('a data frame without content or flag');
    return undefined;
  }

  get #isSkipped(): boolean {
    return this.#type >= firstIgnorableType && !extensions.has(this.#type);
  }

  #range(): { least: number; most: number } | undefined {
    if (this.#type === frameType.streamData) return { least: 0, most: this.#maxPayloadBytes };
    if (this.#type === frameType.streamOpen)
      return { least: openFixedBytes, most: openFixedBytes + this.#maxHeaderBytes };
    return fixedRanges.get(this.#type);
  }

  #beginData(): void {
    this.#fault = this.#sink.dataStart(this.#id, this.#flags, this.#left);
    if (this.#fault) return;
    if (this.#left === 0) this.#fault = this.#sink.dataEnd(this.#id, this.#flags);
    else this.#state = state.data;
  }

  #readControl(input: Uint8Array, from: number): number {
    const take = Math.min(this.#left, input.length - from);
    // Of a Buffer it would be another Buffer, whose slices are no copies.
    const piece = new Uint8Array(input.buffer, input.byteOffset + from, take);
    const isWhole = this.#have === 0 && take === this.#left;
    if (!isWhole) this.#keepControl(piece);
    this.#left -= take;
    if (this.#left === 0) {
      const payload = isWhole ? piece : this.#control.subarray(0, this.#have);
      this.#have = 0;
      this.#state = state.header;
      this.#fault = this.#sink.control(this.#type, this.#id, payload);
    }
    return from + take;
  }

  #keepControl(piece: Uint8Array): void {
    if (this.#have === 0 && this.#left > this.#control.length) this.#control = new Uint8Array(this.#left);
    this.#control.set(piece, this.#have);
    this.#have += piece.length;
  }

  #readPayload(input: Uint8Array, from: number): number {
    const take = Math.min(this.#left, input.length - from);
    this.#left -= take;
    const skip = this.#state === state.skip;
    if (this.#left === 0) this.#state = state.header;
    if (skip) return from + take;
    this.#fault = this.#sink.data(input.subarray(from, from + take));
    if (this.#left === 0 && !this.#fault) this.#fault = this.#sink.dataEnd(this.#id, this.#flags);
    return from + take;
  }
}

/** Without a DataView, for which V8 would move these few bytes out of its heap. */
const uint32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)) >>>
  0;

const linkFrames: ReadonlySet<number> = new Set([
  frameType.goaway,
  frameType.linkHello,
  frameType.linkHelloAck,
  frameType.keepalive,
  frameType.keepaliveAck,
  extensionType.linkMessage,
]);
const extensions: ReadonlySet<number> = new Set(Object.values(extensionType));

const fixedRanges: ReadonlyMap<number, { least: number; most: number }> = new Map([
  [frameType.openAck, exactly(8)],
  [frameType.openErr, exactly(4)],
  [frameType.streamClose, exactly(0)],
  [frameType.streamReset, exactly(4)],
  [frameType.window, exactly(8)],
  [frameType.goaway, exactly(8)],
  [frameType.stop, exactly(4)],
  [frameType.linkHello, { least: 0, most: maxHelloBytes }],
  [frameType.linkHelloAck, { least: 0, most: maxHelloBytes }],
  [frameType.keepalive, exactly(8)],
  [frameType.keepaliveAck, exactly(8)],
  [extensionType.linkMessage, { least: 1, most: maxLinkMessageBytes }],
  [extensionType.streamDetail, { least: 1, most: maxStreamDetailBytes }],
]);
