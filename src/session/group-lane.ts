import { sessionDefaults, transferDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { recordLayout, type NativeApi, type RecordKey } from '../native/api.js';
import { resetCode, type Retain, type Stream } from '../transport/contract.js';
import { equalBytes } from './bytes.js';
import type { DirectionKeys } from './keys.js';
import type { SealedContent } from './lane.js';
import { RecordBuffers } from './record-buffers.js';
import { decodeRecordHeader, recordKind, type RecordHeader } from './record-header.js';
import { RecordReader } from './record-reader.js';

export const recordDigestBytes = 32;
/** Records that wait for their digests, and digests that wait for their records: an honest sender's window has no more. */
export const mostGroupRecords = 1024;
const mostBytes = transferDefaults.maxWindowBytes + sessionDefaults.recordBytes;

export interface GroupLaneOptions {
  readonly number: number;
  readonly stream: Stream;
  readonly keys: DirectionKeys;
  readonly native: NativeApi;
  onContent(content: SealedContent): void;
  /** Nothing more comes from it: once. Not called where it ended in order or was closed. */
  onLost(error: XferError): void;
}

/** A record of which nothing is known yet but how long it is. */
interface Parked {
  readonly record: Uint8Array;
  release(): void;
  /** undefined while it is made. */
  digest: Uint8Array | undefined;
}

/**
 * The receiver's end of a stream of records that were sealed once for several (DESIGN §6). All of them have the key, so
 * a tag proves nothing: a record is let through when its digest is the one that the sender has told in this session. It
 * may come before that, and waits. Nothing is ever sent back, and only content comes.
 */
export class GroupLane {
  readonly #options: GroupLaneOptions;
  readonly #reader: RecordReader;
  readonly #parked: Parked[] = [];
  #parkedBytes = 0;
  /** Of the records behind those that were let through. */
  readonly #told: Uint8Array[] = [];
  #released = 0;
  #hasEnded = false;
  #over = false;

  constructor(options: GroupLaneOptions) {
    this.#options = options;
    const buffers = new RecordBuffers((bytes) => options.native.seal.recordMemory(bytes));
    this.#reader = new RecordReader(buffers, (record, release) => this.#handleRecord(record, release));
  }

  /** Starts reading; `onLost` may be called before this returns. */
  start(): void {
    const { stream } = this.#options;
    stream.onReset((code) => this.#lose(lost(`was reset (code ${code})`)));
    stream.onEnd(() => this.#handleFin());
    stream.onData(
      (bytes, retain) => this.#handleBytes(bytes, retain),
      () => (this.#over ? undefined : this.#reader.place()),
    );
    stream.closeWrite();
    stream.resume();
  }

  /** Digests of whole sealed records from number `from` on. False where the sender breaks the protocol. */
  handleDigests(from: number, digests: Uint8Array): boolean {
    if (this.#over) return true;
    const count = digests.length / recordDigestBytes;
    const isNext = from === this.#released + this.#told.length;
    if (!Number.isInteger(count) || !isNext || this.#told.length + count > mostGroupRecords) return false;
    for (let at = 0; at < digests.length; at += recordDigestBytes)
      this.#told.push(new Uint8Array(digests.subarray(at, at + recordDigestBytes)));
    this.#letThrough();
    this.#checkEnd();
    return true;
  }

  /** It is not wanted any more. */
  close(): void {
    if (this.#over) return;
    this.#end();
    if (!this.#hasEnded) this.#options.stream.reset(resetCode.cancelled);
  }

  #handleBytes(bytes: Uint8Array, retain?: Retain): void {
    if (this.#over) return;
    try {
      this.#reader.push(bytes, retain);
    } catch (error) {
      this.#lose(asXferError(error));
    }
  }

  #handleRecord(record: Buffer, release: () => void): void {
    if (this.#over) return release();
    const parked: Parked = { record, release, digest: undefined };
    this.#parked.push(parked);
    this.#parkedBytes += record.length;
    this.#options.native.seal.digestBytes(parked.record, (error, digest) => {
      if (error) this.#lose(lost('could not be checked'));
      if (this.#over) return release();
      parked.digest = digest;
      this.#letThrough();
    });
    if (this.#parked.length > mostGroupRecords || this.#parkedBytes > mostBytes)
      this.#lose(lost('brings more than the sender vouches for'));
  }

  /** In their order. */
  #letThrough(): void {
    for (;;) {
      const [head, told] = [this.#parked[0], this.#told[0]];
      if (this.#over || !head?.digest || !told) return;
      if (!equalBytes(head.digest, told))
        return this.#lose(
          new XferError('ERR_XFER_TAMPERED', 'a record is not the one that the sender told of'),
        );
      this.#parked.shift();
      this.#told.shift();
      this.#parkedBytes -= head.record.length;
      this.#deliver(head, this.#released++);
    }
  }

  #deliver({ record, release }: Parked, number: number): void {
    const { keys, onContent, number: lane } = this.#options;
    const key = keys.next();
    const header = this.#headerOf(key, record);
    if (header?.number === number) return onContent({ header, lane, key, record, release });
    release();
    this.#lose(new XferError('ERR_XFER_PROTOCOL', 'the sender has sealed a record that is none'));
  }

  #headerOf(key: RecordKey, record: Uint8Array): RecordHeader | undefined {
    try {
      const header = decodeRecordHeader(this.#options.native.seal.openHeader(key, record));
      const isWhole = header?.bodyBytes === record.length - recordLayout.overheadBytes;
      const isSealed = header?.kind === recordKind.content && !header.hasPlainBody;
      return isWhole && isSealed ? header : undefined;
    } catch {
      return undefined;
    }
  }

  #handleFin(): void {
    this.#hasEnded = true;
    if (!this.#reader.atBoundary) return this.#lose(lost('ended within a record'));
    this.#checkEnd();
  }

  /** What was told of and did not come before the end does not come any more. */
  #checkEnd(): void {
    if (this.#hasEnded && this.#told.length > this.#parked.length) this.#lose(lost('ended too early'));
  }

  #lose(error: XferError): void {
    if (this.#over) return;
    this.#end();
    if (!this.#hasEnded) this.#options.stream.reset(resetCode.cancelled);
    this.#options.onLost(error);
  }

  /** A record whose digest is being made goes back when that is over. */
  #end(): void {
    this.#over = true;
    this.#reader.discard();
    for (const { release, digest } of this.#parked.splice(0)) if (digest) release();
  }
}

const lost = (what: string) =>
  new XferError('ERR_XFER_CONNECTION_LOST', `the lane that brings what all receivers get ${what}`);
