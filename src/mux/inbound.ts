import type { MuxConfig } from './config.js';
import { CoreStream, noDetail } from './core-stream.js';
import type { FrameSink } from './decode.js';
import { encodeCodeFrame } from './encode.js';
import {
  extensionType,
  fault,
  frameFlag,
  frameType,
  maxExact,
  maxIdBeside,
  openFixedBytes,
  type MuxFault,
} from './frame.js';
import type { Retain } from '../transport/contract.js';
import type { Lifecycle } from './lifecycle.js';
import type { LinkFrames } from './link-frames.js';
import type { Outbound } from './outbound.js';
import type { StreamTable } from './stream-table.js';
import type { ContentLimit } from './streams-link.js';
import { ReceiveWindow } from './window.js';

type Verdict = MuxFault | undefined;

const openErrResourceLimit = 9;
const openErrRefused = 2;

/**
 * What each frame of the other side means, and content that comes beside them. Frames of closed ids mean nothing; of
 * ids never opened, a fault.
 */
export class Inbound implements FrameSink {
  /** Time of the input at work. */
  now = 0;
  readonly #table: StreamTable;
  readonly #outbound: Outbound;
  readonly #lifecycle: Lifecycle;
  readonly #link: LinkFrames;
  readonly #config: MuxConfig;
  readonly #onStream: (stream: CoreStream) => void;
  readonly #contentBeside: boolean;
  /** Whose content is coming in; undefined where it is dropped. */
  #current: CoreStream | undefined;

  constructor(parts: {
    table: StreamTable;
    outbound: Outbound;
    lifecycle: Lifecycle;
    link: LinkFrames;
    config: MuxConfig;
    onStream: (stream: CoreStream) => void;
    contentBeside: boolean;
  }) {
    this.#table = parts.table;
    this.#outbound = parts.outbound;
    this.#lifecycle = parts.lifecycle;
    this.#link = parts.link;
    this.#config = parts.config;
    this.#onStream = parts.onStream;
    this.#contentBeside = parts.contentBeside;
  }

  control(type: number, id: number, payload: Uint8Array): Verdict {
    if (!this.#link.helloReceived || id === 0) return this.#link.handle(this.now, type, payload);
    if (type === frameType.streamOpen) return this.#open(id, payload);
    const stream = this.#table.get(id);
    if (!stream) return this.#unknown(id);
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    if (type === extensionType.streamDetail) {
      stream.detail = new Uint8Array(payload);
      return undefined;
    }
    if (type === frameType.openAck) return this.#acknowledged(stream, uint64(view, 0));
    if (type === frameType.openErr) return this.#refused(stream, view.getUint32(0));
    if (type === frameType.window) return this.#credit(stream, uint64(view, 0));
    if (type === frameType.stop) return this.#stop(stream, view.getUint32(0));
    if (type === frameType.streamReset) return this.#reset(stream, view.getUint32(0));
    return this.#close(stream);
  }

  dataStart(id: number, flags: number, bytes: number): Verdict {
    this.#current = undefined;
    if (!this.#link.helloReceived) return fault('content before the hello');
    if (this.#contentBeside && (bytes > 0 || (flags & frameFlag.finWrite) !== 0))
      return fault('content in a frame, where the link carries it beside them');
    const stream = this.#table.get(id);
    if (!stream) return this.#unknown(id);
    if (stream.phase === 'opening') return fault('content before OPEN_ACK');
    const wrong = this.#admit(stream, bytes, (flags & frameFlag.finWrite) !== 0);
    if (wrong) return wrong;
    if (stream.phase === 'pending' && this.#table.earlyReceivedBytes > this.#config.earlyConnectionBytes)
      return fault('too much content before OPEN_ACK');
    this.#current = stream;
    return undefined;
  }

  data(bytes: Uint8Array): Verdict {
    if (this.#current) this.#give(this.#current, bytes);
    return undefined;
  }

  dataEnd(_id: number, flags: number): Verdict {
    const stream = this.#current;
    this.#current = undefined;
    if (!stream || stream.phase === 'closed') return undefined;
    if ((flags & frameFlag.finRead) !== 0) {
      if (!stream.finSent) return fault('FIN_READ before FIN_WRITE');
      stream.finRead = true;
    }
    if ((flags & frameFlag.finWrite) !== 0) this.#finish(stream);
    this.#lifecycle.finishIfEnded(stream);
    return undefined;
  }

  /** Content beside the frames: neither waits for the other, so it may come before its OPEN_ACK and when its stream is gone. */
  content(id: number, bytes: Uint8Array, fin: boolean, retain?: Retain): Verdict {
    const stream = this.#table.get(id);
    if (!stream) return undefined;
    const wrong = this.#admit(stream, bytes.length, fin);
    if (wrong) return wrong;
    this.#give(stream, bytes, retain);
    if (!fin || stream.phase === 'closed') return undefined;
    this.#finish(stream);
    this.#lifecycle.finishIfEnded(stream);
    return undefined;
  }

  /** How much content of the stream may come beside the frames in all. */
  limitOf(id: number): ContentLimit {
    const stream = this.#table.get(id);
    if (stream?.window) return stream.finReceived ? 'over' : stream.window.limit;
    return this.#table.isOurs(id) || this.#table.wasOpened(id) ? 'over' : 'unopened';
  }

  /** Where the content that comes next may be put. */
  place(): Uint8Array | undefined {
    const stream = this.#current;
    if (!stream || stream.phase !== 'open' || stream.stopped) return undefined;
    if (stream.held.bytes > 0 || !isRead(stream)) return undefined;
    return stream.events?.place();
  }

  /** Accounts for content that comes in. */
  #admit(stream: CoreStream, bytes: number, fin: boolean): Verdict {
    if (bytes > 0 || fin) {
      if (stream.finReceived) return fault('content behind the end of a stream');
      if (!stream.window?.receive(bytes)) return fault('more content than was granted');
    }
    if (stream.phase === 'pending') this.#table.earlyReceivedBytes += bytes;
    return undefined;
  }

  /** Content to the reader; what it does not take yet is held. */
  #give(stream: CoreStream, bytes: Uint8Array, retain?: Retain): void {
    if (bytes.length === 0 || stream.phase === 'closed' || stream.stopped) return;
    if (stream.held.bytes > 0 || !isRead(stream)) return stream.held.push(bytes);
    stream.events?.handleData(bytes, retain);
    if (!stream.creditHeld) this.#outbound.consumed(stream, bytes.length);
  }

  #finish(stream: CoreStream): void {
    stream.finReceived = true;
    endIfRead(stream, this.#lifecycle);
  }

  #open(id: number, payload: Uint8Array): Verdict {
    const table = this.#table;
    if (table.isOurs(id) || id <= table.lastTheirId) return fault(`an OPEN for the id ${id}`);
    if (this.#contentBeside && id > maxIdBeside)
      return fault(`an OPEN for the id ${id}, which the link has no room for`);
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const limit = uint64(view, 0);
    if (limit > maxExact) return fault('a limit above 2^53 − 1');
    const stream = new CoreStream(id, false, view.getInt8(8), payload.slice(openFixedBytes));
    const { maxStreamsPerPeer, maxPendingOpens, openTimeoutMs } = this.#config;
    const room = table.theirs < maxStreamsPerPeer && table.theirsPending < maxPendingOpens;
    if (this.#link.draining || !room || !this.#lifecycle.enter(stream)) {
      table.lastTheirId = id;
      const code = this.#link.draining ? openErrRefused : openErrResourceLimit;
      this.#outbound.control(encodeCodeFrame(frameType.openErr, id, code));
      this.#lifecycle.onLeft(id);
      return undefined;
    }
    stream.sendLimit = limit;
    stream.window = new ReceiveWindow(stream.firstWindowBytes, this.#config.windowRenewals, this.now);
    stream.openDeadline = this.now + openTimeoutMs;
    this.#onStream(stream);
    return undefined;
  }

  #acknowledged(stream: CoreStream, limit: number): Verdict {
    if (stream.phase !== 'opening') return fault('an OPEN_ACK that nobody waits for');
    if (limit > maxExact || limit < stream.sent) return fault('an OPEN_ACK with a wrong limit');
    this.#table.answered(stream);
    stream.phase = 'open';
    stream.sendLimit = limit;
    if (stream.finReadDue) this.#outbound.credit(stream);
    this.#outbound.ready(stream);
    this.#outbound.earlyFreed();
    stream.events?.handleOpened(stream.detail);
    stream.detail = noDetail;
    // Beside frames content may have come before them.
    giveHeld(stream, this.#outbound, this.#lifecycle);
    return undefined;
  }

  #refused(stream: CoreStream, code: number): Verdict {
    if (stream.phase !== 'opening') return fault('an OPEN_ERR that nobody waits for');
    this.#lifecycle.leave(stream);
    stream.events?.handleRefused(code, stream.detail);
    return undefined;
  }

  #credit(stream: CoreStream, limit: number): Verdict {
    if (stream.phase !== 'open') return fault('a WINDOW before OPEN_ACK');
    if (limit > maxExact || limit < stream.sendLimit) return fault('a WINDOW that shrinks');
    stream.sendLimit = limit;
    this.#outbound.ready(stream);
    return undefined;
  }

  #stop(stream: CoreStream, code: number): Verdict {
    if (stream.finSent) return undefined;
    stream.queue.discard();
    stream.finWanted = true;
    stream.full = false;
    this.#outbound.ready(stream);
    stream.events?.handleStop(code);
    return undefined;
  }

  #reset(stream: CoreStream, code: number): Verdict {
    this.#lifecycle.leave(stream);
    stream.events?.handleReset(code, stream.detail, false);
    return undefined;
  }

  #close(stream: CoreStream): Verdict {
    if (!stream.ours || !stream.finRead || !stream.finReceived)
      return fault('a CLOSE of a stream that has not ended');
    if (!stream.readEnded) return fault('a CLOSE before FIN_READ');
    this.#lifecycle.leave(stream);
    return undefined;
  }

  #unknown(id: number): Verdict {
    return this.#table.wasOpened(id) ? undefined : fault(`a frame for stream ${id}, which was never opened`);
  }
}

/** Gives the reader what is held for it, as far as it reads, and the end behind it. */
export function giveHeld(stream: CoreStream, outbound: Outbound, lifecycle: Lifecycle): void {
  while (stream.phase !== 'closed' && isRead(stream)) {
    const piece = stream.held.shift();
    if (!piece) break;
    stream.events?.handleData(piece);
    if (!stream.creditHeld) outbound.consumed(stream, piece.length);
  }
  endIfRead(stream, lifecycle);
}

/** Gives FIN to the reader when all before it is read (or thrown away). */
export function endIfRead(stream: CoreStream, lifecycle: Lifecycle): void {
  if (stream.phase === 'closed' || stream.phase === 'opening') return;
  if (!stream.finReceived || stream.readEnded || stream.held.bytes > 0) return;
  if (stream.paused && !stream.stopped) return;
  lifecycle.endReading(stream);
  if (!stream.stopped) stream.events?.handleEnd();
}

/** Nothing is given out before the answer to the OPEN. */
function isRead(stream: CoreStream): boolean {
  return stream.reading && !stream.paused && stream.phase !== 'opening';
}

export function uint64(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
