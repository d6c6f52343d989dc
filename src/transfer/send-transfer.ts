import { sessionDefaults, transferDefaults } from '../config/index.js';
import { asXferError, fileError, XferError } from '../errors/index.js';
import { recordKind } from '../session/record-header.js';
import type { Session } from '../session/session.js';
import { Gate } from './gate.js';
import { decodeTransferMessage, encodeTransferMessage, entryKind, type TransferMessage } from './messages.js';
import { closeSource, type OpenSource } from './open-source.js';
import { printable } from './printable.js';
import type { SourceEntry } from './source-entry.js';
import { SentRecords } from './sent-records.js';
import { SourceQueue } from './source-queue.js';
import { abortError, abortMessage } from './abort-message.js';

/** Batches whose directories the receiver has not made yet; a receiver refuses more than twice that. */
const batchesAhead = 4;

export interface SendProgress {
  readonly bytes: number;
  readonly total: number;
  readonly sent: number;
  readonly files: number;
}

export interface SendTransferOptions {
  readonly session: Session;
  readonly batches: AsyncIterable<readonly SourceEntry[]>;
  readonly signal: AbortSignal;
  /** Called whenever a number changed; the caller thins it out. */
  onProgress(progress: SendProgress): void;
  /** Something was not sent or not made; the rest goes on. */
  onProblem(error: XferError): void;
  onCommitting(): void;
}

export interface SendSummary {
  readonly files: number;
  readonly bytes: number;
}

/** A file being cut into records. */
interface Reading {
  readonly source: OpenSource;
  offset: number;
  pending: number;
  failed: XferError | undefined;
}

/**
 * The sender's half of a transfer: declares entries, pulls records from files as the lane and the window have room,
 * and ends only when the receiver has committed. Resolves with what was committed.
 */
export class SendTransfer {
  readonly #options: SendTransferOptions;
  readonly #session: Session;
  readonly #records = new SentRecords();
  readonly #sources: SourceQueue;
  readonly #gate = new Gate();
  readonly #links = new Map<number, string>();
  #finished: number[] = [];
  #current: Reading | undefined;
  #entries = 0;
  #undeclared = 0;
  #files = 0;
  #bytes = 0;
  #total = 0;
  #sent = 0;
  #ended = false;
  #over = false;
  #settle: { resolve(summary: SendSummary): void; reject(error: XferError): void } | undefined;

  constructor(options: SendTransferOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#sources = new SourceQueue({
      onReady: () => this.#pump(),
      onFailed: (entry, error) => this.#fileFailed(entry, error),
    });
  }

  /** Rejects with an XferError when the transfer as a whole failed; problems of single entries go to `onProblem`. */
  async run(): Promise<SendSummary> {
    const { signal } = this.#options;
    const committed = new Promise<SendSummary>((resolve, reject) => (this.#settle = { resolve, reject }));
    const interrupt = () => this.#abort(asXferError(signal.reason));
    signal.addEventListener('abort', interrupt, { once: true });
    this.#session.attach({
      onControl: (body) => this.#handleControl(body),
      onContent: (content) => {
        content.release();
        this.#abort(new XferError('ERR_XFER_PROTOCOL', 'the receiver sent content'));
      },
      onRoom: () => this.#pump(),
      onEnd: (error) =>
        this.#fail(
          error ?? new XferError('ERR_XFER_CONNECTION_LOST', 'the receiver left before it had committed'),
        ),
    });
    if (signal.aborted) interrupt();
    this.#produce().catch((error: unknown) => this.#abort(asXferError(error)));
    try {
      return await committed;
    } finally {
      signal.removeEventListener('abort', interrupt);
      this.#close();
    }
  }

  async #produce(): Promise<void> {
    for await (const batch of this.#options.batches) {
      await this.#gate.until(() => this.#over || this.#undeclared < batchesAhead);
      if (this.#over) return;
      this.#declare(batch);
      for (const entry of batch) {
        if (entry.kind !== entryKind.file) continue;
        await this.#gate.until(() => this.#over || this.#sources.hasRoom);
        if (this.#isOver()) return;
        this.#sources.push(entry);
      }
    }
    await this.#gate.until(() => this.#over || this.#sources.isEmpty);
    this.#end();
  }

  #declare(batch: readonly SourceEntry[]): void {
    this.#entries += batch.length;
    this.#undeclared++;
    for (const entry of batch) {
      if (entry.kind === entryKind.link) this.#links.set(entry.id, entry.path);
      this.#total += entry.size;
    }
    this.#say({ type: 'manifest', entries: batch });
    this.#progress();
  }

  /** Asked behind an await, where what the compiler knows of the field is out of date. */
  #isOver(): boolean {
    return this.#over;
  }

  #end(): void {
    if (this.#over) return;
    this.#flushFinished();
    this.#options.onCommitting();
    this.#ended = true;
    const { session } = this.#options;
    session.sendControl(() =>
      encodeTransferMessage({
        type: 'end',
        entries: this.#entries,
        files: this.#files,
        bytes: this.#bytes,
        records: this.#records.count,
        lanes: session.laneCounts('sealed'),
      }),
    );
  }

  /** Submits records while the lane and the window have room. */
  #pump(): void {
    while (!this.#over && this.#session.hasRoom && this.#records.hasRoom) {
      this.#current ??= this.#next();
      if (!this.#current) return;
      this.#submit(this.#current);
    }
  }

  #next(): Reading | undefined {
    for (let source = this.#sources.shift(); source; source = this.#sources.shift()) {
      const reading: Reading = { source, offset: 0, pending: 0, failed: undefined };
      if (source.entry.size > 0) return reading;
      void this.#finishReading(reading);
    }
    return undefined;
  }

  #submit(reading: Reading): void {
    const { entry, handle } = reading.source;
    const bodyBytes = Math.min(sessionDefaults.recordBytes, entry.size - reading.offset);
    const number = this.#records.add(bodyBytes);
    const header = {
      kind: recordKind.content,
      layout: 0,
      bodyBytes,
      entry: entry.id,
      offset: reading.offset,
      number,
    };
    reading.offset += bodyBytes;
    reading.pending++;
    if (reading.offset === entry.size) this.#current = undefined;
    this.#session.sendContent({ fd: handle.fd, header }, (error, read) => {
      this.#sent += read;
      reading.pending--;
      if (error) reading.failed ??= fileError(error, `cannot read ${printable(entry.source)}`);
      else if (read < bodyBytes)
        reading.failed ??= new XferError(
          'ERR_XFER_FILE_CHANGED',
          `${printable(entry.source)} became shorter while it was sent`,
        );
      if (read < bodyBytes) this.#records.shorten(number, read);
      if (reading.failed && this.#current === reading) this.#current = undefined;
      if (reading.pending === 0 && this.#current !== reading) void this.#finishReading(reading);
    });
  }

  /** Nothing of the file is under way any more: it is either whole and unchanged, or failed. */
  async #finishReading(reading: Reading): Promise<void> {
    const { entry } = reading.source;
    await closeSource(reading.source).catch((error: unknown) => (reading.failed ??= asXferError(error)));
    if (this.#over) return;
    this.#sources.release();
    if (reading.failed) return this.#fileFailed(entry, reading.failed);
    this.#files++;
    this.#bytes += entry.size;
    this.#finished.push(entry.id);
    // Those that finish in the same turn of the loop share a message.
    if (this.#finished.length === 1) setImmediate(() => this.#flushFinished());
    this.#gate.check();
    this.#pump();
  }

  #fileFailed(entry: SourceEntry, error: XferError): void {
    this.#say({ type: 'failed', id: entry.id });
    this.#total -= entry.size;
    this.#options.onProblem(error);
    this.#gate.check();
    this.#pump();
  }

  #flushFinished(): void {
    const most = transferDefaults.manifestBatchEntries;
    while (this.#finished.length > 0 && !this.#over)
      this.#say({ type: 'finished', ids: this.#finished.splice(0, most) });
  }

  /** What breaks its schema ends the transfer as every other violation does: the receiver is told. */
  #handleControl(body: Uint8Array): void {
    if (this.#over) return;
    try {
      this.#handleMessage(decodeTransferMessage(body));
    } catch (error) {
      this.#abort(asXferError(error));
    }
  }

  #handleMessage(message: TransferMessage): void {
    switch (message.type) {
      case 'declared':
        if (--this.#undeclared < 0) return this.#abort(violation('it declares batches that were never sent'));
        return this.#gate.check();
      case 'received':
        for (const [from, to] of message.ranges)
          if (!this.#records.handleReceived(from, to))
            return this.#abort(violation('it has records that were never sent'));
        this.#progress();
        return this.#pump();
      case 'left-out': {
        const path = this.#links.get(message.id);
        if (path === undefined) return this.#abort(violation('it leaves out what is no link'));
        this.#links.delete(message.id);
        return this.#options.onProblem(
          new XferError(
            'ERR_XFER_LINK_REFUSED',
            `the link ${printable(path)} was left out: ${printable(message.reason)}`,
          ),
        );
      }
      case 'committed':
        return this.#handleCommitted(message.files, message.bytes);
      case 'abort':
        return this.#fail(abortError('receiver', message));
      default:
        return this.#abort(violation(`it says ${message.type}`));
    }
  }

  #handleCommitted(files: number, bytes: number): void {
    if (!this.#ended || files !== this.#files || bytes !== this.#bytes)
      return this.#abort(violation('it committed other than what was sent'));
    this.#session.finish();
    this.#settle?.resolve({ files, bytes });
  }

  #progress(): void {
    this.#options.onProgress({
      bytes: this.#records.receivedBytes,
      total: this.#total,
      sent: this.#sent,
      files: this.#files,
    });
  }

  #say(message: TransferMessage): void {
    if (!this.#over) this.#session.sendControl(encodeTransferMessage(message));
  }

  /** Tells the receiver, then fails. */
  #abort(error: XferError): void {
    if (this.#over) return;
    this.#say(abortMessage(error));
    this.#fail(error);
  }

  #fail(error: XferError): void {
    this.#session.finish();
    this.#settle?.reject(error);
    this.#close();
  }

  #close(): void {
    this.#over = true;
    this.#sources.close();
    const reading = this.#current;
    this.#current = undefined;
    if (reading?.pending === 0) void this.#finishReading(reading);
    this.#gate.check();
  }
}

const violation = (what: string) =>
  new XferError('ERR_XFER_PROTOCOL', `the receiver breaks the protocol: ${what}`);
