import { XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import { resetCode, type Stream } from '../transport/contract.js';
import type { ContentDone, ContentJob } from './content-job.js';
import { groupKeys, type GroupKey } from './group-keys.js';
import { OutgoingRecords } from './outgoing-records.js';
import { RecordBuffers } from './record-buffers.js';

export interface GroupSenderHandlers {
  /** More may be submitted. */
  onRoom(): void;
  /** SHA-256 of a whole sealed record: each once, in the order of the numbers. */
  onDigest(number: number, digest: Uint8Array): void;
  /** What goes on this stream reaches nobody any more, and it was let go: once. */
  onStreamEnd(stream: Stream, error: XferError): void;
  /** Nothing more can be sealed or told. */
  onFailed(error: XferError): void;
}

/** Seals the records of a group once, and sends each on all streams of the group. */
export class GroupSender {
  readonly #native: NativeApi;
  readonly #handlers: GroupSenderHandlers;
  readonly #records: OutgoingRecords;
  readonly #streams = new Set<Stream>();
  /** Those that take nothing now, and when they do again. */
  readonly #full = new Map<Stream, Promise<void>>();
  /** Digests that wait for those before them. */
  readonly #digests = new Map<number, Uint8Array>();
  #submitted = 0;
  #sent = 0;
  #told = 0;

  constructor(key: GroupKey, native: NativeApi, handlers: GroupSenderHandlers) {
    this.#native = native;
    this.#handlers = handlers;
    this.#records = new OutgoingRecords({
      sink: {
        send: (record, release) => this.#send(record, release),
        drained: () => this.#drained(),
        // Each stream ends for itself.
        closeWrite: () => undefined,
      },
      sealing: groupKeys(key),
      native,
      buffers: new RecordBuffers((bytes) => native.seal.recordMemory(bytes)),
      onRoom: () => handlers.onRoom(),
    });
  }

  /** Records that were submitted: the number of the next one. */
  get count(): number {
    return this.#submitted;
  }

  get hasRoom(): boolean {
    return this.#records.hasRoom;
  }

  /** Whether one of the streams takes nothing at the moment. */
  get isFull(): boolean {
    return this.#records.isFull;
  }

  isStreamFull(stream: Stream): boolean {
    return this.#full.has(stream);
  }

  get streams(): ReadonlySet<Stream> {
    return this.#streams;
  }

  add(stream: Stream): void {
    this.#streams.add(stream);
    const end = (why: string) =>
      this.#end(stream, new XferError('ERR_XFER_CONNECTION_LOST', `the lane to all receivers ${why}`));
    stream.opened.catch((error: unknown) =>
      end(`could not be opened: ${error instanceof Error ? error.message : ''}`),
    );
    stream.onReset((code) => end(`was reset (code ${code})`));
    stream.onStop((code) => end(`is not read any more (code ${code})`));
    stream.onData(() => undefined);
  }

  /** Nobody is to get anything more on it. */
  remove(stream: Stream): void {
    if (!this.#streams.delete(stream)) return;
    this.#full.delete(stream);
    stream.reset(resetCode.cancelled);
  }

  /** Nobody gets more on it; what was sent still goes. */
  end(stream: Stream): void {
    if (!this.#streams.delete(stream)) return;
    this.#full.delete(stream);
    stream.closeWrite();
  }

  /** Sealed under the next number, which the job's header must have. `done` is called before the record leaves. */
  sendContent(job: ContentJob, done: ContentDone): void {
    if (job.header.number !== this.#submitted)
      throw new XferError('ERR_XFER_INTERNAL', 'a record of a group has another number than the next');
    this.#submitted++;
    this.#records.sendContent(job, done);
  }

  /** Nothing more goes to anybody. */
  abort(): void {
    this.#records.discard();
    for (const stream of [...this.#streams]) this.remove(stream);
  }

  /** The memory is given back when all streams have let go of it and its digest is there. */
  #send(record: Uint8Array, release?: () => void): boolean {
    const number = this.#sent++;
    let holders = this.#streams.size + 1;
    const letGo = () => {
      if (--holders === 0) release?.();
    };
    this.#native.seal.digestBytes(record, (error, digest) => {
      letGo();
      if (error)
        this.#handlers.onFailed(new XferError('ERR_XFER_INTERNAL', 'no digest could be made of a record'));
      else this.#handleDigest(number, digest);
    });
    for (const stream of [...this.#streams]) if (!stream.send(record, letGo)) this.#markFull(stream);
    return this.#full.size === 0;
  }

  #markFull(stream: Stream): void {
    if (this.#full.has(stream)) return;
    this.#full.set(
      stream,
      stream.drained().then(() => void this.#full.delete(stream)),
    );
  }

  async #drained(): Promise<void> {
    while (this.#full.size > 0) await Promise.all(this.#full.values());
  }

  #handleDigest(number: number, digest: Uint8Array): void {
    this.#digests.set(number, digest);
    for (let next = this.#digests.get(this.#told); next; next = this.#digests.get(this.#told)) {
      this.#digests.delete(this.#told);
      this.#handlers.onDigest(this.#told++, next);
    }
  }

  #end(stream: Stream, error: XferError): void {
    if (!this.#streams.has(stream)) return;
    this.remove(stream);
    this.#handlers.onStreamEnd(stream, error);
  }
}
