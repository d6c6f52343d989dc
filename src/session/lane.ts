import { sessionDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { recordLayout, type NativeApi, type RecordKey } from '../native/api.js';
import { resetCode, type Retain, type Stream } from '../transport/contract.js';
import type { ContentDone, ContentJob } from './content-job.js';
import type { DirectionKeys } from './keys.js';
import { OutgoingRecords } from './outgoing-records.js';
import { smallRecordBytes, type RecordBuffers } from './record-buffers.js';
import { decodeRecordHeader, recordKind, type RecordHeader } from './record-header.js';
import { RecordReader } from './record-reader.js';
import { resetOf } from './stream-error.js';

/** A content record as it arrived: its header is verified, its body not yet. */
export interface SealedContent {
  readonly header: RecordHeader;
  /** The lane that it came on. */
  readonly lane: number;
  /** Opens the body, or takes it as it is where the header says that it is plain. */
  readonly key: RecordKey;
  /** The whole sealed record. */
  readonly record: Uint8Array;
  /** Gives the record's memory back; to be called once. */
  release(): void;
}

export interface LaneHandlers {
  /** Where there is `retain` the body stands in memory that is used again when this returns, unless it is retained. */
  onControl(header: RecordHeader, body: Uint8Array, retain?: Retain): void;
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

/**
 * A stream that carries sealed records (DESIGN §6). Records are sealed in parallel and leave in the order in which
 * they were submitted, which is the order of their nonces; arriving ones are opened in that order too.
 */
export class Lane {
  readonly number: number;
  readonly #stream: Stream;
  readonly #options: LaneOptions;
  readonly #reader: RecordReader;
  readonly #outgoing: OutgoingRecords;
  #over = false;
  #heardBytes = 0;
  #heardAt = performance.now();

  constructor(options: LaneOptions) {
    this.number = options.number;
    this.#options = options;
    this.#stream = options.stream;
    this.#reader = new RecordReader(options.buffers, (record, release) =>
      this.#handleRecord(record, release),
    );
    const { stream, sealing, native, buffers, handlers } = options;
    const onRoom = () => handlers.onRoom();
    const { memory } = stream.connection;
    this.#outgoing = new OutgoingRecords({ sink: stream, sealing, native, buffers, memory, onRoom });
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
      (bytes, retain) => this.#handleBytes(bytes, retain),
      () => (this.#over ? undefined : this.#reader.place()),
    );
    stream.resume();
  }

  /** Whether another content record may be submitted now; `onRoom` tells when that changes. */
  get hasRoom(): boolean {
    return this.#outgoing.hasRoom;
  }

  /** Whether our direction ends behind what was submitted: nothing more goes on it. */
  get isFinished(): boolean {
    return this.#outgoing.isFinished;
  }

  /** Whether more is submitted than the network takes, rather than than is sealed. */
  get isFull(): boolean {
    return this.#outgoing.isFull;
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

  /** When the last of them came; before the first, when the lane was made. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Sealed at once, sent behind what was submitted before. */
  sendControl(number: number, acknowledged: number, body: Uint8Array): void {
    this.#outgoing.sendControl(number, acknowledged, body);
  }

  /**
   * `done` gets the bytes that were read: fewer than asked where the file ends. Called before the record leaves. `plain`: its body is
   * not sealed.
   */
  sendContent(job: ContentJob, done: ContentDone, plain = false): void {
    this.#outgoing.sendContent(job, done, plain);
  }

  /** Ends our direction behind what was submitted. */
  finish(): void {
    this.#outgoing.finish();
  }

  abort(error: XferError): void {
    if (this.#over) return;
    this.#end(error);
    this.#stream.reset(resetCode.cancelled);
  }

  #handleBytes(bytes: Uint8Array, retain?: Retain): void {
    if (this.#over) return;
    this.#heardBytes += bytes.length;
    this.#heardAt = performance.now();
    try {
      this.#reader.push(bytes, retain);
    } catch (error) {
      this.abort(asXferError(error));
    }
  }

  #handleRecord(record: Buffer, release: () => void): void {
    if (this.#over) return release();
    const { handlers, opening } = this.#options;
    const key = opening.next();
    let isRetained = false;
    try {
      const header = this.#headerOf(key, record);
      if (header.kind === recordKind.content) {
        const bodyKey = header.hasPlainBody ? { ...key, plain: true } : key;
        isRetained = true;
        return handlers.onContent({ header, lane: this.number, key: bodyKey, record, release });
      }
      const body = this.#controlOf(header, key, record);
      const retain = () => {
        isRetained = true;
        return release;
      };
      // What is small is not worth holding up memory for.
      if (record.length > smallRecordBytes) handlers.onControl(header, body, retain);
      else handlers.onControl(header, Uint8Array.from(body));
    } finally {
      if (!isRetained) release();
    }
  }

  #headerOf(key: RecordKey, record: Buffer): RecordHeader {
    const header = decodeRecordHeader(this.#options.native.seal.openHeader(key, record));
    if (header?.bodyBytes === record.length - recordLayout.overheadBytes) return header;
    throw new XferError('ERR_XFER_PROTOCOL', 'the other side sent a record whose header is not one');
  }

  /** It stands in the record. */
  #controlOf(header: RecordHeader, key: RecordKey, record: Buffer): Uint8Array {
    if (header.bodyBytes > sessionDefaults.maxControlBytes)
      throw new XferError('ERR_XFER_PROTOCOL', 'the other side sent too large a control message');
    return this.#options.native.seal.openSmall(key, record);
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
    this.#outgoing.discard();
    this.#options.handlers.onEnd(error);
  }
}

const lost = (reason: string) =>
  new XferError('ERR_XFER_CONNECTION_LOST', `the connection was lost: ${reason}`);
