import { BlockPool } from './block-pool.js';
import { Reassembly } from './reassembly.js';

export interface ReceiveStreamsOptions {
  readonly creditBytes: number;
  readonly earlyStreamBytes: number;
  readonly maxEarlyStreams: number;
  limitOf(streamId: number): number | 'unopened' | 'over';
  handleContent(streamId: number, bytes: Uint8Array, fin: boolean): void;
}

/** What became of content: it counts as received; there was no room, as if it had never come; or the other side broke the protocol. */
export type Receipt = 'taken' | 'dropped' | { readonly violation: string };

interface ReceiveStream {
  readonly reassembly: Reassembly;
  /** Where it ends; Infinity: not known yet. */
  end: number;
  /** Its end was given out. */
  isFinished: boolean;
  isEarly: boolean;
}

const nothing = new Uint8Array(0);

/** The receiving side of all streams: order, limits, and no more held than was granted. */
export class ReceiveStreams {
  readonly #options: ReceiveStreamsOptions;
  readonly #streams = new Map<number, ReceiveStream>();
  readonly #pool = new BlockPool();
  #heldBytes = 0;
  #early = 0;

  constructor(options: ReceiveStreamsOptions) {
    this.#options = options;
  }

  /** Of memory, for content that came out of order or early. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get count(): number {
    return this.#streams.size;
  }

  handle(streamId: number, offset: number, bytes: Uint8Array, fin: boolean): Receipt {
    const limit = this.#options.limitOf(streamId);
    if (limit === 'over') {
      this.forget(streamId);
      return 'taken';
    }
    if (bytes.length === 0 && !fin) return 'taken';
    const end = offset + bytes.length;
    if (limit === 'unopened') return this.#handleEarly(streamId, offset, bytes, fin);
    if (end > limit) return { violation: `content of stream ${streamId} past its limit` };
    const stream = this.#streams.get(streamId) ?? this.#add(streamId, false);
    if (stream.isEarly) this.#setOpen(stream);
    const fault = faultOf(stream, end, fin);
    if (fault !== undefined) return { violation: `content of stream ${streamId} ${fault}` };
    if (offset > stream.reassembly.next) return this.#hold(stream, offset, bytes, fin);
    if (fin) stream.end = end;
    const part = stream.reassembly.pass(offset, bytes);
    this.#giveOut(streamId, stream, part);
    return 'taken';
  }

  /** It no longer is 'unopened': what was held of it is given out. Returns what is wrong with that. */
  opened(streamId: number): string | undefined {
    const stream = this.#streams.get(streamId);
    if (stream === undefined || !stream.isEarly) return undefined;
    const limit = this.#options.limitOf(streamId);
    if (limit === 'unopened') return undefined;
    if (limit === 'over') {
      this.forget(streamId);
      return undefined;
    }
    if (stream.reassembly.highest > limit) return `content of stream ${streamId} past its limit`;
    this.#setOpen(stream);
    this.#giveOut(streamId, stream, undefined);
    return undefined;
  }

  forget(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    this.#streams.delete(streamId);
    this.#heldBytes -= stream.reassembly.costBytes;
    if (stream.isEarly) this.#early -= 1;
  }

  forgetAll(): void {
    this.#streams.clear();
    this.#heldBytes = 0;
    this.#early = 0;
  }

  #handleEarly(streamId: number, offset: number, bytes: Uint8Array, fin: boolean): Receipt {
    const end = offset + bytes.length;
    if (end > this.#options.earlyStreamBytes) return 'dropped';
    let stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (this.#early >= this.#options.maxEarlyStreams) return 'dropped';
      stream = this.#add(streamId, true);
    }
    const fault = faultOf(stream, end, fin);
    if (fault !== undefined) return { violation: `content of stream ${streamId} ${fault}` };
    return this.#hold(stream, offset, bytes, fin);
  }

  #add(streamId: number, isEarly: boolean): ReceiveStream {
    const stream = { reassembly: new Reassembly(0, this.#pool), end: Infinity, isFinished: false, isEarly };
    this.#streams.set(streamId, stream);
    if (isEarly) this.#early += 1;
    return stream;
  }

  #setOpen(stream: ReceiveStream): void {
    stream.isEarly = false;
    this.#early -= 1;
  }

  #hold(stream: ReceiveStream, offset: number, bytes: Uint8Array, fin: boolean): Receipt {
    if (this.#heldBytes + bytes.length > this.#options.creditBytes) return 'dropped';
    if (fin) stream.end = offset + bytes.length;
    const before = stream.reassembly.costBytes;
    stream.reassembly.hold(offset, bytes);
    this.#heldBytes += stream.reassembly.costBytes - before;
    return 'taken';
  }

  /** `part` was passed already; then what is held behind it. The user may forget the stream within the calls. */
  #giveOut(streamId: number, stream: ReceiveStream, part: Uint8Array | undefined): void {
    for (let bytes = part ?? this.#take(stream); bytes !== undefined; bytes = this.#take(stream)) {
      const fin = stream.reassembly.next === stream.end;
      if (fin) stream.isFinished = true;
      this.#options.handleContent(streamId, bytes, fin);
      if (this.#streams.get(streamId) !== stream) return;
    }
    if (stream.isFinished || stream.reassembly.next !== stream.end) return;
    stream.isFinished = true;
    this.#options.handleContent(streamId, nothing, true);
  }

  #take(stream: ReceiveStream): Uint8Array | undefined {
    if (stream.reassembly.isEmpty) return undefined;
    const before = stream.reassembly.costBytes;
    const bytes = stream.reassembly.take();
    this.#heldBytes += stream.reassembly.costBytes - before;
    return bytes;
  }
}

/** What is wrong with content that ends here, as the stream's last or not. */
function faultOf(stream: ReceiveStream, end: number, fin: boolean): string | undefined {
  if (end > stream.end) return 'behind its end';
  if (fin && stream.end !== Infinity && end !== stream.end) return 'with another end';
  if (fin && end < Math.max(stream.reassembly.highest, stream.reassembly.next))
    return 'with an end before what came';
  return undefined;
}
