import { randomBytes } from 'node:crypto';
import { sessionDefaults, transferDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import type { SealedContent } from '../session/lane.js';
import type { Session } from '../session/session.js';
import { abortError, abortMessage } from './abort-message.js';
import { Acknowledger } from './acknowledger.js';
import { DirectoryCache } from './directory-cache.js';
import { EntryWriter } from './entry-writer.js';
import { IncomingFile } from './incoming-file.js';
import { ManifestCheck } from './manifest-check.js';
import {
  decodeTransferMessage,
  encodeTransferMessage,
  entryKind,
  type ManifestEntry,
  type TransferMessage,
} from './messages.js';
import { ownNamePrefix } from './names.js';
import { printable } from './printable.js';
import { RangeSet } from './range-set.js';
import { Slots } from './slots.js';

/** Batches that wait for their directories; an honest sender keeps to half of it. */
const mostBatches = 8;
/** Another batch is asked for when there are no more than so many files under way. */
const mostUnderWay = 4 * transferDefaults.manifestBatchEntries;
/** Records, and their content, that arrived and are not written: an honest sender's window keeps to that. */
const mostHeldRecords = 1024;
const mostHeldBytes = transferDefaults.windowBytes + sessionDefaults.recordBytes;
/** Gaps between the numbers of records: an honest sender's window has no more. */
const mostGaps = mostHeldRecords;

export interface ReceiveProgress {
  readonly bytes: number;
  readonly total: number;
  readonly files: number;
}

export interface ReceiveTransferOptions {
  readonly session: Session;
  readonly native: NativeApi;
  /** Held directory below which everything is written. */
  readonly root: number;
  readonly signal: AbortSignal;
  onProgress(progress: ReceiveProgress): void;
  /** A link was left out, or a file could not be sent. */
  onNote(message: string): void;
  onCommitting(): void;
}

export interface ReceiveSummary {
  readonly files: number;
  readonly bytes: number;
}

interface Incoming {
  readonly file: IncomingFile;
  readonly parked: SealedContent[];
  state: 'declared' | 'opening' | 'open' | 'finishing';
  /** The sender has read it to the end and it had not changed. */
  confirmed: boolean;
  hasSlot: boolean;
  /** So that what failed while it waited for a place is not kept until there is one. */
  leaveQueue?: () => void;
}

type End = Extract<TransferMessage, { type: 'end' }>;

/**
 * The receiver's half of a transfer. Never stops reading its lane: the sender's window bounds what waits here.
 * Resolves when everything stands under its real name and the sender was told so; when it rejects, no part of a file
 * does, and the temporary ones are gone.
 */
export class ReceiveTransfer {
  readonly #options: ReceiveTransferOptions;
  readonly #session: Session;
  readonly #check = new ManifestCheck();
  readonly #directories: DirectoryCache;
  readonly #writer: EntryWriter;
  readonly #incoming = new Map<number, Incoming>();
  readonly #slots = new Slots(transferDefaults.maxOpenFiles);
  readonly #claimed = new RangeSet(mostGaps);
  readonly #acknowledger: Acknowledger;
  readonly #temporaryPrefix = `${ownNamePrefix}${randomBytes(6).toString('hex')}-`;
  #declaring: Promise<void> = Promise.resolve();
  #batches = 0;
  /** Sizes of the batches that stand and are not answered yet. */
  readonly #unanswered: number[] = [];
  #heldRecords = 0;
  #heldBytes = 0;
  #bytes = 0;
  #total = 0;
  #files = 0;
  #fileBytes = 0;
  #end: End | undefined;
  #committing = false;
  #committed = false;
  #over = false;
  #settle: { resolve(summary: ReceiveSummary): void; reject(error: XferError): void } | undefined;

  constructor(options: ReceiveTransferOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#directories = new DirectoryCache(options.native.files, options.root);
    this.#writer = new EntryWriter(options.native.files, this.#directories, this.#temporaryPrefix);
    this.#acknowledger = new Acknowledger(options.session, (message) => this.#say(message));
  }

  async run(): Promise<ReceiveSummary> {
    const { signal } = this.#options;
    const committed = new Promise<ReceiveSummary>((resolve, reject) => (this.#settle = { resolve, reject }));
    const interrupt = () => this.#abort(asXferError(signal.reason));
    signal.addEventListener('abort', interrupt, { once: true });
    this.#session.attach({
      onControl: (body) => this.#handleControl(body),
      onContent: (content) => this.#handleContent(content),
      onRoom: () => undefined,
      onEnd: (error) => this.#handleEnd(error),
    });
    if (signal.aborted) interrupt();
    try {
      return await committed;
    } finally {
      signal.removeEventListener('abort', interrupt);
      this.#over = true;
      this.#acknowledger.close();
      await this.#cleanUp();
    }
  }

  /** What breaks its schema ends the transfer as every other violation does: the sender is told. */
  #handleControl(body: Uint8Array): void {
    if (this.#over) return;
    try {
      this.#handleMessage(decodeTransferMessage(body));
    } catch (error) {
      this.#abort(asXferError(error));
    }
  }

  #handleMessage(message: TransferMessage): void {
    if (this.#end && message.type !== 'abort') return this.#abort(violation('it goes on behind its own end'));
    switch (message.type) {
      case 'manifest':
        return this.#handleManifest(message.entries);
      case 'finished':
        for (const id of message.ids) this.#handleFinished(id);
        return;
      case 'failed':
        return this.#handleFailed(message.id);
      case 'end':
        return this.#handleEndMessage(message);
      case 'abort':
        return this.#fail(abortError('sender', message));
      default:
        return this.#abort(violation(`it says ${message.type}`));
    }
  }

  /** The names of the whole batch are checked before anything of it is written. */
  #handleManifest(offered: readonly ManifestEntry[]): void {
    if (++this.#batches > mostBatches) return this.#abort(violation('it declares more than was asked for'));
    const checked = this.#check.batch(offered);
    if (checked instanceof Error) return this.#abort(checked);
    const { entries, leftOut } = checked;
    for (const { id, path, reason } of leftOut) {
      this.#options.onNote(`the link ${printable(path)} was left out: ${printable(reason)}`);
      this.#say({ type: 'left-out', id, reason: reason.slice(0, 512) });
    }
    for (const entry of entries) if (entry.kind === entryKind.file) this.#expect(entry);
    this.#declaring = this.#declaring
      .then(() => (this.#over ? undefined : this.#writer.make(entries)))
      .then(() => {
        this.#unanswered.push(offered.length);
        for (const { id } of entries) this.#startOpening(id);
        this.#answer();
        this.#commitIfDone();
      })
      .catch((error: unknown) => this.#abort(asXferError(error)));
    this.#progress();
  }

  /** Whoever declares faster than files can be made here waits, so that what is kept of them is bounded. */
  #answer(): void {
    while (this.#incoming.size <= mostUnderWay) {
      const entries = this.#unanswered.shift();
      if (entries === undefined) return;
      this.#batches--;
      this.#say({ type: 'declared', entries });
    }
  }

  #expect(entry: ManifestEntry): void {
    this.#total += entry.size;
    const { native } = this.#options;
    const temporary = `${this.#temporaryPrefix}${entry.id}.part`;
    const file = new IncomingFile({ entry, temporary, native, directories: this.#directories });
    this.#incoming.set(entry.id, { file, parked: [], state: 'declared', confirmed: false, hasSlot: false });
  }

  #handleContent(content: SealedContent): void {
    const { entry, offset, bodyBytes, number, layout } = content.header;
    const incoming = this.#incoming.get(entry);
    const isExpected = incoming && incoming.state !== 'finishing' && !this.#end && layout === 0;
    const hasRoom = this.#heldRecords < mostHeldRecords && this.#heldBytes + bodyBytes <= mostHeldBytes;
    const fits =
      isExpected &&
      hasRoom &&
      this.#claimed.claim(number, number + 1) &&
      incoming.file.claim(offset, bodyBytes);
    if (this.#over || !fits) {
      content.release();
      return this.#abort(violation('it sends content that was not declared'));
    }
    this.#heldRecords++;
    this.#heldBytes += bodyBytes;
    if (incoming.state === 'open') return this.#write(incoming, content);
    incoming.parked.push(content);
    this.#startOpening(entry);
  }

  /** Gives the memory of a record back; the sender may send as much again. */
  #release(content: SealedContent): void {
    const { number, bodyBytes } = content.header;
    content.release();
    this.#heldRecords--;
    this.#heldBytes -= bodyBytes;
    if (!this.#over) this.#acknowledger.add(number, bodyBytes);
  }

  /** Opens a file when its directory stands and there is something to do with it. */
  #startOpening(id: number): void {
    const incoming = this.#incoming.get(id);
    if (!incoming || incoming.state !== 'declared') return;
    if (incoming.parked.length === 0 && !incoming.confirmed) return;
    if (!this.#writer.has(id)) return;
    incoming.state = 'opening';
    incoming.leaveQueue = this.#slots.take(() => {
      if (this.#over) return;
      incoming.hasSlot = true;
      incoming.file.open().then(
        () => this.#handleOpen(incoming),
        (error: unknown) => this.#abort(asXferError(error)),
      );
    });
  }

  #handleOpen(incoming: Incoming): void {
    if (this.#over || incoming.state !== 'opening') return;
    incoming.state = 'open';
    for (const content of incoming.parked.splice(0)) this.#write(incoming, content);
    this.#finishIfComplete(incoming);
  }

  #write(incoming: Incoming, content: SealedContent): void {
    incoming.file.write(content, (error) => {
      this.#release(content);
      if (this.#over) return;
      if (error) return this.#abort(error);
      this.#bytes += content.header.bodyBytes;
      this.#progress();
      this.#finishIfComplete(incoming);
    });
  }

  #handleFinished(id: number): void {
    if (this.#over) return;
    const incoming = this.#incoming.get(id);
    if (!incoming || incoming.confirmed || incoming.state === 'finishing')
      return this.#abort(violation('it finishes what is no file under way'));
    incoming.confirmed = true;
    if (incoming.state === 'declared') this.#startOpening(id);
    this.#finishIfComplete(incoming);
  }

  #finishIfComplete(incoming: Incoming): void {
    if (!incoming.confirmed || incoming.state !== 'open' || !incoming.file.isComplete) return;
    incoming.state = 'finishing';
    incoming.file.finish().then(
      () => {
        this.#files++;
        this.#fileBytes += incoming.file.entry.size;
        this.#forget(incoming);
      },
      (error: unknown) => this.#abort(asXferError(error)),
    );
  }

  #handleFailed(id: number): void {
    const incoming = this.#incoming.get(id);
    if (!incoming || incoming.confirmed || incoming.state === 'finishing')
      return this.#abort(violation('it fails what is no file under way'));
    const { path, size } = incoming.file.entry;
    this.#options.onNote(`${printable(path)} was not received: the sender could not send all of it`);
    this.#total -= size;
    incoming.state = 'finishing';
    incoming.leaveQueue?.();
    for (const content of incoming.parked.splice(0)) this.#release(content);
    void incoming.file.discard().then(() => this.#forget(incoming));
  }

  #forget(incoming: Incoming): void {
    if (incoming.hasSlot) this.#slots.give();
    this.#incoming.delete(incoming.file.entry.id);
    this.#writer.forget(incoming.file.entry.id);
    this.#progress();
    this.#answer();
    this.#commitIfDone();
  }

  #handleEndMessage(end: End): void {
    const opened = new Map(this.#session.laneCounts('opened'));
    // The end itself came on one of the lanes and is not in its count.
    const counted = end.lanes.reduce((sum, [, records]) => sum + records, 1);
    const arrived = [...opened.values()].reduce((sum, records) => sum + records, 0);
    // All that it has is here, so what is not whole by now never will be.
    const isWhole = ({ file, confirmed, state }: Incoming) =>
      confirmed ? file.isClaimed : state === 'finishing';
    if (
      ![...this.#incoming.values()].every(isWhole) ||
      counted !== arrived ||
      end.records !== this.#claimed.size ||
      end.entries !== this.#check.entries
    )
      return this.#abort(
        new XferError('ERR_XFER_TRUNCATED', 'the sender ended, but not all of what it counts has arrived'),
      );
    this.#end = end;
    this.#commitIfDone();
  }

  #commitIfDone(): void {
    const end = this.#end;
    if (!end || this.#over || this.#committing || this.#batches > 0 || this.#incoming.size > 0) return;
    if (end.files !== this.#files || end.bytes !== this.#fileBytes)
      return this.#abort(
        new XferError('ERR_XFER_TRUNCATED', 'the sender counts other files than have arrived'),
      );
    this.#committing = true;
    this.#options.onCommitting();
    this.#declaring = this.#writer.finish().then(
      () => {
        if (this.#over) return;
        this.#acknowledger.flush();
        this.#say({ type: 'committed', files: end.files, bytes: end.bytes });
        this.#committed = true;
        this.#session.finish();
      },
      (error: unknown) => this.#abort(asXferError(error)),
    );
  }

  /** The sender closes when it has heard of the commit; if it cannot, what was committed stays committed. */
  #handleEnd(error: XferError | undefined): void {
    if (this.#committed) return this.#settle?.resolve({ files: this.#files, bytes: this.#fileBytes });
    this.#fail(
      error ?? new XferError('ERR_XFER_TRUNCATED', 'the sender left before the transfer was complete'),
    );
  }

  #progress(): void {
    if (!this.#over) this.#options.onProgress({ bytes: this.#bytes, total: this.#total, files: this.#files });
  }

  #say(message: TransferMessage): void {
    if (!this.#over) this.#session.sendControl(encodeTransferMessage(message));
  }

  /** Tells the sender, then fails. */
  #abort(error: XferError): void {
    if (this.#over) return;
    this.#say(abortMessage(error));
    this.#fail(error);
  }

  #fail(error: XferError): void {
    this.#over = true;
    this.#session.finish();
    this.#settle?.reject(error);
  }

  async #cleanUp(): Promise<void> {
    await this.#declaring;
    for (const { file, parked } of this.#incoming.values()) {
      for (const content of parked.splice(0)) this.#release(content);
      await file.discard();
    }
    await this.#directories.close();
  }
}

const violation = (what: string) =>
  new XferError('ERR_XFER_PROTOCOL', `the sender breaks the protocol: ${what}`);
