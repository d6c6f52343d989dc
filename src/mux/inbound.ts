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
  openFixedBytes,
  type MuxFault,
} from './frame.js';
import type { Lifecycle } from './lifecycle.js';
import type { LinkFrames } from './link-frames.js';
import type { Outbound } from './outbound.js';
import type { StreamTable } from './stream-table.js';
import { ReceiveWindow } from './window.js';

type Verdict = MuxFault | undefined;

const openErrResourceLimit = 9;
const openErrRefused = 2;

/** What each frame of the other side means. Frames of closed ids mean nothing; of ids never opened, a fault. */
export class Inbound implements FrameSink {
  /** Time of the input at work. */
  now = 0;
  readonly #table: StreamTable;
  readonly #outbound: Outbound;
  readonly #lifecycle: Lifecycle;
  readonly #link: LinkFrames;
  readonly #config: MuxConfig;
  readonly #onStream: (stream: CoreStream) => void;
  /** Whose content is coming in; undefined where it is dropped. */
  #current: CoreStream | undefined;

  constructor(parts: {
    table: StreamTable;
    outbound: Outbound;
    lifecycle: Lifecycle;
    link: LinkFrames;
    config: MuxConfig;
    onStream: (stream: CoreStream) => void;
  }) {
    this.#table = parts.table;
    this.#outbound = parts.outbound;
    this.#lifecycle = parts.lifecycle;
    this.#link = parts.link;
    this.#config = parts.config;
    this.#onStream = parts.onStream;
  }

  control(type: number, id: number, payload: Uint8Array): Verdict {
    if (!this.#link.helloReceived || id === 0) return this.#link.handle(this.now, type, payload);
    if (type === frameType.streamOpen) return this.#open(id, payload);
    const stream = this.#table.get(id);
    if (!stream) return this.#unknown(id);
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    if (type === extensionType.streamDetail) {
      stream.detail = payload.slice();
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
    const stream = this.#table.get(id);
    if (!stream) return this.#unknown(id);
    if (stream.phase === 'opening') return fault('content before OPEN_ACK');
    const window = stream.window;
    if (bytes > 0 || (flags & frameFlag.finWrite) !== 0) {
      if (stream.finReceived) return fault('content behind the end of a stream');
      if (!window?.receive(bytes)) return fault('more content than was granted');
    }
    if (stream.phase === 'pending') {
      this.#table.earlyReceivedBytes += bytes;
      if (this.#table.earlyReceivedBytes > this.#config.earlyConnectionBytes)
        return fault('too much content before OPEN_ACK');
    }
    this.#current = stream;
    return undefined;
  }

  data(bytes: Uint8Array): Verdict {
    const stream = this.#current;
    if (!stream?.window || stream.phase === 'closed') return undefined;
    if (stream.stopped) return undefined;
    if (!stream.reading || stream.paused || stream.held.bytes > 0) {
      stream.held.push(bytes);
      return undefined;
    }
    stream.events?.handleData(bytes);
    if (!stream.creditHeld) this.#outbound.consumed(stream, bytes.length);
    return undefined;
  }

  /** Where the content that comes next may be put. */
  place(): Uint8Array | undefined {
    const stream = this.#current;
    if (!stream || stream.phase !== 'open' || stream.stopped) return undefined;
    if (!stream.reading || stream.paused || stream.held.bytes > 0) return undefined;
    return stream.events?.place();
  }

  dataEnd(_id: number, flags: number): Verdict {
    const stream = this.#current;
    this.#current = undefined;
    if (!stream || stream.phase === 'closed') return undefined;
    if ((flags & frameFlag.finRead) !== 0) {
      if (!stream.finSent) return fault('FIN_READ before FIN_WRITE');
      stream.finRead = true;
    }
    if ((flags & frameFlag.finWrite) !== 0) {
      stream.finReceived = true;
      endIfRead(stream, this.#lifecycle);
    }
    this.#lifecycle.finishIfEnded(stream);
    return undefined;
  }

  #open(id: number, payload: Uint8Array): Verdict {
    const table = this.#table;
    if (table.isOurs(id) || id <= table.lastTheirId) return fault(`an OPEN for the id ${id}`);
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
      return undefined;
    }
    stream.sendLimit = limit;
    stream.window = new ReceiveWindow(stream.firstWindowBytes, this.now);
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

/** Gives FIN to the reader when all before it is read (or thrown away). */
export function endIfRead(stream: CoreStream, lifecycle: Lifecycle): void {
  if (stream.phase === 'closed') return;
  if (!stream.finReceived || stream.readEnded || stream.held.bytes > 0) return;
  if (stream.paused && !stream.stopped) return;
  lifecycle.endReading(stream);
  if (!stream.stopped) stream.events?.handleEnd();
}

export function uint64(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
