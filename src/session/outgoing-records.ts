import { recordLayout, type NativeApi, type RecordKey, type SealBodyJob } from '../native/api.js';
import type { BodyContent, ContentDone, ContentJob, FilledContent } from './content-job.js';
import type { DirectionKeys } from './keys.js';
import type { TransportMemory } from '../transport/contract.js';
import { smallRecordBytes, type RecordBuffers } from './record-buffers.js';
import { encodeRecordHeader, recordKind } from './record-header.js';
import { recordMemory } from './record-memory.js';
import { mostAtOnceBytes } from './small-body.js';

/** Records being sealed at once: enough to keep every core at it, few enough to stay in the cache. */
const mostSealing = 4;
/** Those that are sealed wait for the first, whose thread may not have been given a core for long: no more than so many. */
const mostWaiting = 2 * mostSealing;

/** Where sealed records go, one a call: a stream, as its contract says, or what stands for several. */
export interface RecordSink {
  send(record: Uint8Array, release?: () => void): boolean;
  drained(): Promise<void>;
  closeWrite(): void;
}

export interface OutgoingRecordsOptions {
  readonly sink: RecordSink;
  readonly sealing: DirectionKeys;
  readonly native: NativeApi;
  readonly buffers: RecordBuffers;
  /** What the sink sends from without a copy. */
  readonly memory?: TransportMemory | undefined;
  /** More may be submitted. */
  onRoom(): void;
}

interface Outgoing {
  /** undefined while it is being sealed. */
  bytes: Uint8Array | undefined;
  release: (() => void) | undefined;
}

/** Seals records in parallel and sends them in the order in which they were submitted, which is that of their nonces. */
export class OutgoingRecords {
  readonly #options: OutgoingRecordsOptions;
  readonly #outgoing: Outgoing[] = [];
  #sealing = 0;
  #full = false;
  #over = false;
  #closing = false;
  #finished = false;

  constructor(options: OutgoingRecordsOptions) {
    this.#options = options;
  }

  /** Whether another content record may be submitted now; `onRoom` tells when that changes. */
  get hasRoom(): boolean {
    if (this.#over || this.#finished || this.#full) return false;
    return this.#sealing < mostSealing && this.#outgoing.length < mostWaiting;
  }

  /** Whether the direction ends behind what was submitted. */
  get isFinished(): boolean {
    return this.#finished;
  }

  /** Whether more is submitted than the network takes. */
  get isFull(): boolean {
    return this.#full;
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
    const { native, sealing, buffers } = this.#options;
    const recordBytes = recordLayout.overheadBytes + body.length;
    const out = recordBytes > smallRecordBytes ? buffers.acquire(recordBytes) : undefined;
    const bytes = native.seal.sealSmall(sealing.next(), encodeRecordHeader(header), body, out);
    this.#outgoing.push({ bytes, release: out && (() => buffers.release(out)) });
    this.#flush();
  }

  /** `done` is called before the record leaves. `plain`: its body is not sealed. */
  sendContent(job: ContentJob, done: ContentDone, plain = false): void {
    const { native, buffers, memory, sealing } = this.#options;
    const { bodyBytes, offset } = job.header;
    if ('body' in job && bodyBytes <= mostAtOnceBytes)
      return this.#sealAtOnce(job, { ...sealing.next(), plain }, done);
    const { buffer: out, release } = recordMemory(recordLayout.overheadBytes + bodyBytes, buffers, memory);
    const slot: Outgoing = { bytes: undefined, release };
    this.#outgoing.push(slot);
    this.#sealing++;
    const key = sealing.next();
    const header = encodeRecordHeader(job.header);
    const common = { ...key, plain, header, out };
    const sealed = (error: Error | null, inRecord: number, problems?: Int32Array, content = inRecord) => {
      this.#sealing--;
      // A counter that was taken must be sent, or the other side loses count: an unreadable file gives an empty record.
      slot.bytes = error
        ? native.seal.sealSmall(key, encodeRecordHeader({ ...job.header, bodyBytes: 0 }), new Uint8Array())
        : out.subarray(0, recordLayout.overheadBytes + inRecord);
      if (this.#over) release();
      done(error, error ? 0 : content, problems, error ? 0 : inRecord);
      this.#flush();
      if (this.hasRoom) this.#options.onRoom();
    };
    if ('body' in job) native.seal.sealFrom({ ...common, body: job.body }, sealed);
    else if ('fill' in job) this.#fill(job, common, sealed);
    else if ('files' in job) native.seal.sealPacked({ ...common, ...job.files }, sealed);
    else {
      const { fd, direct } = job;
      native.seal.sealFile({ ...common, fd, direct, position: offset, bodyBytes }, sealed);
    }
  }

  /** Ends the direction behind what was submitted. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#closing = true;
    this.#flush();
  }

  /** Nothing more is sent; what was sealed goes back. */
  discard(): void {
    this.#over = true;
    for (const { bytes, release } of this.#outgoing.splice(0)) if (bytes) release?.();
    // A FIN that waited for records goes now: with a half open stream the connection would not close in order.
    this.#flush();
  }

  /** Behind what is being sealed still. */
  #sealAtOnce({ body, header }: BodyContent, key: RecordKey, done: ContentDone): void {
    const bytes = this.#options.native.seal.sealSmall(key, encodeRecordHeader(header), body);
    this.#outgoing.push({ bytes, release: undefined });
    done(null, body.length, undefined, body.length);
    this.#flush();
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

  #flush(): void {
    while (!this.#over) {
      const head = this.#outgoing[0];
      if (head?.bytes === undefined) break;
      this.#outgoing.shift();
      if (!this.#options.sink.send(head.bytes, head.release)) this.#waitForDrain();
    }
    if (this.#closing && this.#outgoing.length === 0) {
      this.#closing = false;
      this.#options.sink.closeWrite();
    }
  }

  #waitForDrain(): void {
    if (this.#full) return;
    this.#full = true;
    void this.#options.sink.drained().then(() => {
      this.#full = false;
      if (this.hasRoom) this.#options.onRoom();
    });
  }
}
