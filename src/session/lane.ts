import { sessionDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import {
  recordLayout,
  type NativeApi,
  type RecordKey,
  type SealBodyJob,
  type SealPackedJob,
} from '../native/api.js';
import { resetCode, type Stream } from '../transport/contract.js';
import type { DirectionKeys } from './keys.js';
import type { RecordBuffers } from './record-buffers.js';
import { decodeRecordHeader, encodeRecordHeader, recordKind, type RecordHeader } from './record-header.js';
import { RecordReader } from './record-reader.js';
import { resetOf } from './stream-error.js';

/** Records being sealed at once: enough to keep every core at it, few enough to stay in the cache. */
const mostSealing = 4;

/** A content record as it arrived: its header is verified, its body not yet. */
export interface SealedContent {
  readonly header: RecordHeader;
  /** The lane that it came on. */
  readonly lane: number;
  readonly key: RecordKey;
  /** The whole sealed record. */
  readonly record: Uint8Array;
  /** Gives the record's memory back; to be called once. */
  release(): void;
}

/** Content to be sealed and sent: a piece of a file, many small files, or what somebody else puts into the record. */
export type ContentJob = FileContent | PackedContent | FilledContent;

export interface FileContent {
  readonly fd: number;
  /** Its offset is that in the file, bodyBytes what is wanted of it. */
  readonly header: RecordHeader;
}

export interface PackedContent {
  readonly files: Pick<SealPackedJob, 'paths' | 'stamps'>;
  /** bodyBytes is what they have at most, packed. */
  readonly header: RecordHeader;
}

export interface FilledContent {
  /** Writes the body into `body`, which has the header's bodyBytes. */
  fill(body: Uint8Array): Promise<Filled>;
  readonly header: RecordHeader;
}

/** What a body was filled with. */
export interface Filled {
  /** Of `body`, from its beginning. */
  readonly bodyBytes: number;
  readonly layout: number;
  /** What it stands for, before anything was done to it. */
  readonly contentBytes: number;
  readonly problems?: Int32Array;
}

/** What was read: `bodyBytes` of content, `sealedBytes` of which the record carries. `problems` as for SealApi.sealPacked. */
export type ContentDone = (
  error: Error | null,
  bodyBytes: number,
  problems: Int32Array | undefined,
  sealedBytes: number,
) => void;

export interface LaneHandlers {
  onControl(header: RecordHeader, body: Uint8Array): void;
  onContent(content: SealedContent): void;
  /** More may be submitted. */
  onRoom(): void;
  /** The lane is over, once: `error` unless the other side ended it by a FIN between two records. */
  onEnd(error?: XferError): void;
}

export interface LaneOptions {
  readonly number: number;
  /** Paused, or without any handler that would lose bytes. */
  readonly stream: Stream;
  /** Bytes of the lane that came with the handshake. */
  readonly leftover: Uint8Array;
  readonly sealing: DirectionKeys;
  readonly opening: DirectionKeys;
  readonly native: NativeApi;
  readonly buffers: RecordBuffers;
  readonly handlers: LaneHandlers;
}

interface Outgoing {
  /** undefined while it is being sealed. */
  bytes: Uint8Array | undefined;
  release: (() => void) | undefined;
}

/**
 * A stream that carries sealed records (DESIGN §6). Records are sealed in parallel and leave in the order in which
 * they were submitted, which is the order of their nonces; arriving ones are opened in that order too.
 */
export class Lane {
  readonly number: number;
  readonly #stream: Stream;
  readonly #options: LaneOptions;
  readonly #reader: RecordReader;
  readonly #outgoing: Outgoing[] = [];
  #sealing = 0;
  #full = false;
  #over = false;
  #closing = false;
  #finished = false;
  #heardBytes = 0;

  constructor(options: LaneOptions) {
    this.number = options.number;
    this.#options = options;
    this.#stream = options.stream;
    this.#reader = new RecordReader(options.buffers, (buffer, total) => this.#handleRecord(buffer, total));
  }

  /** Starts reading; handlers may be called before this returns. */
  start(): void {
    const { stream, leftover } = this.#options;
    stream.onReset((code, detail, isConnectionOver) =>
      this.#end(resetOf(stream, detail, isConnectionOver) ?? lost(`the stream was reset (code ${code})`)),
    );
    stream.onStop((code) => this.#end(lost(`the other side stopped reading (code ${code})`)));
    stream.onEnd(() => this.#handleFin());
    if (leftover.length > 0) this.#handleBytes(leftover);
    stream.onData(
      (bytes) => this.#handleBytes(bytes),
      () => (this.#over ? undefined : this.#reader.place()),
    );
    stream.resume();
  }

  /** Whether another content record may be submitted now; `onRoom` tells when that changes. */
  get hasRoom(): boolean {
    return !this.#over && !this.#finished && !this.#full && this.#sealing < mostSealing;
  }

  /** Whether our direction ends behind what was submitted: nothing more goes on it. */
  get isFinished(): boolean {
    return this.#finished;
  }

  /** Whether more is submitted than the network takes, rather than than is sealed. */
  get isFull(): boolean {
    return this.#full;
  }

  /** Records that were submitted in this direction so far: the END of a transfer names it. */
  get sealedRecords(): number {
    return this.#options.sealing.count;
  }

  get openedRecords(): number {
    return this.#options.opening.count;
  }

  /** Bytes that arrived so far, those of unfinished records included. */
  get heardBytes(): number {
    return this.#heardBytes;
  }

  /** Sealed at once, sent behind what was submitted before. */
  sendControl(number: number, acknowledged: number, body: Uint8Array): void {
    if (this.#over || this.#finished) return;
    const header = {
      kind: recordKind.control,
      layout: 0,
      bodyBytes: body.length,
      entry: number,
      offset: acknowledged,
      number: 0,
    };
    const { native, sealing } = this.#options;
    const bytes = native.seal.sealSmall(sealing.next(), encodeRecordHeader(header), body);
    this.#outgoing.push({ bytes, release: undefined });
    this.#flush();
  }

  /** `done` gets the bytes that were read: fewer than asked where the file ends. Called before the record leaves. */
  sendContent(job: ContentJob, done: ContentDone): void {
    const { native, buffers, sealing } = this.#options;
    const { bodyBytes, offset } = job.header;
    const out = buffers.acquire(recordLayout.overheadBytes + bodyBytes);
    const slot: Outgoing = { bytes: undefined, release: () => buffers.release(out) };
    this.#outgoing.push(slot);
    this.#sealing++;
    const key = sealing.next();
    const header = encodeRecordHeader(job.header);
    const common = { cipher: key.cipher, key: key.key, counter: key.counter, header, out };
    const sealed = (error: Error | null, inRecord: number, problems?: Int32Array, content = inRecord) => {
      this.#sealing--;
      // A counter that was taken must be sent, or the other side loses count: an unreadable file gives an empty record.
      slot.bytes = error
        ? native.seal.sealSmall(key, encodeRecordHeader({ ...job.header, bodyBytes: 0 }), new Uint8Array())
        : out.subarray(0, recordLayout.overheadBytes + inRecord);
      if (this.#over) buffers.release(out);
      done(error, error ? 0 : content, problems, error ? 0 : inRecord);
      this.#flush();
      if (this.hasRoom) this.#options.handlers.onRoom();
    };
    if ('fill' in job) this.#fill(job, common, sealed);
    else if ('files' in job) native.seal.sealPacked({ ...common, ...job.files }, sealed);
    else native.seal.sealFile({ ...common, fd: job.fd, position: offset, bodyBytes }, sealed);
  }

  #fill(
    { fill, header }: FilledContent,
    common: Omit<SealBodyJob, 'bodyBytes'>,
    sealed: (error: Error | null, inRecord: number, problems?: Int32Array, content?: number) => void,
  ): void {
    const { bodyAt } = recordLayout;
    fill(common.out.subarray(bodyAt, bodyAt + header.bodyBytes)).then(
      ({ bodyBytes, layout, contentBytes, problems }) => {
        const job = { ...common, header: encodeRecordHeader({ ...header, layout }), bodyBytes };
        this.#options.native.seal.sealBody(job, (error) => sealed(error, bodyBytes, problems, contentBytes));
      },
      (error: unknown) => sealed(error instanceof Error ? error : new Error(String(error)), 0),
    );
  }

  /** Ends our direction behind what was submitted. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#closing = true;
    this.#flush();
  }

  abort(error: XferError): void {
    if (this.#over) return;
    this.#end(error);
    this.#stream.reset(resetCode.cancelled);
  }

  #flush(): void {
    while (!this.#over) {
      const head = this.#outgoing[0];
      if (head?.bytes === undefined) break;
      this.#outgoing.shift();
      if (!this.#stream.send(head.bytes, head.release)) this.#waitForDrain();
    }
    if (this.#closing && this.#outgoing.length === 0) {
      this.#closing = false;
      this.#stream.closeWrite();
    }
  }

  #waitForDrain(): void {
    if (this.#full) return;
    this.#full = true;
    void this.#stream.drained().then(() => {
      this.#full = false;
      if (this.hasRoom) this.#options.handlers.onRoom();
    });
  }

  #handleBytes(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#heardBytes += bytes.length;
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.abort(asXferError(error));
    }
  }

  #handleRecord(buffer: Buffer, total: number): void {
    const { buffers, handlers, opening, native } = this.#options;
    if (this.#over) return buffers.release(buffer);
    const record = buffer.subarray(0, total);
    const key = opening.next();
    const header = decodeRecordHeader(native.seal.openHeader(key, record));
    if (header?.bodyBytes !== total - recordLayout.overheadBytes)
      throw new XferError('ERR_XFER_PROTOCOL', 'the other side sent a record whose header is not one');
    if (header.kind === recordKind.content)
      return handlers.onContent({
        header,
        lane: this.number,
        key,
        record,
        release: () => buffers.release(buffer),
      });
    if (header.bodyBytes > sessionDefaults.maxControlBytes)
      throw new XferError('ERR_XFER_PROTOCOL', 'the other side sent too large a control message');
    const body = native.seal.openSmall(key, record);
    // Decrypted into memory of its own, so the buffer can go.
    buffers.release(buffer);
    handlers.onControl(header, body);
  }

  #handleFin(): void {
    const whole = this.#reader.atBoundary;
    this.#end(
      whole ? undefined : new XferError('ERR_XFER_TRUNCATED', 'the lane ended in the middle of a record'),
    );
  }

  #end(error?: XferError): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.discard();
    for (const { bytes, release } of this.#outgoing.splice(0)) if (bytes) release?.();
    // A FIN that waited for records goes now: with a half open stream the connection would not close in order.
    this.#flush();
    this.#options.handlers.onEnd(error);
  }
}

const lost = (reason: string) =>
  new XferError('ERR_XFER_CONNECTION_LOST', `the connection was lost: ${reason}`);
