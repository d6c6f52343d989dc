import { randomBytes } from 'node:crypto';
import { transferDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import type { SealedContent } from '../session/lane.js';
import type { Session } from '../session/session.js';
import { abortError, abortMessage } from './abort-message.js';
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
/** Records parked until their file is open: the sender's window bounds an honest one. */
const mostParked = 1024;
/** Acknowledgements wait this long for company, or for this share of the window. */
const acknowledgeAfterMs = 3;
const acknowledgeBytes = transferDefaults.windowBytes / 8;

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
  readonly #claimed = new RangeSet();
  readonly #written = new RangeSet();
  readonly #temporaryPrefix = `${ownNamePrefix}${randomBytes(6).toString('hex')}-`;
  #declaring: Promise<void> = Promise.resolve();
  #batches = 0;
  #parked = 0;
  #bytes = 0;
  #total = 0;
  #files = 0;
  #fileBytes = 0;
  #unacknowledgedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
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
  }

  async run(): Promise<ReceiveSummary> {
    const { signal } = this.#options;
    const committed = new Promise<ReceiveSummary>((resolve, reject) => (this.#settle = { resolve, reject }));
    const interrupt = () => this.#abort(asXferError(signal.reason));
    signal.addEventListener('abort', interrupt, { once: true });
    this.#session.attach({
      onControl: (body) => this.#handleMessage(decodeTransferMessage(body)),
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
      clearTimeout(this.#timer);
      await this.#cleanUp();
    }
  }

  #handleMessage(message: TransferMessage): void {
    if (this.#over) return;
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
    if (this.#end || ++this.#batches > mostBatches)
      return this.#abort(violation('it declares more than was asked for'));
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
        this.#batches--;
        this.#say({ type: 'declared', entries: offered.length });
        for (const { id } of entries) this.#startOpening(id);
        this.#commitIfDone();
      })
      .catch((error: unknown) => this.#abort(asXferError(error)));
    this.#progress();
  }

  #expect(entry: ManifestEntry): void {
    this.#total += entry.size;
    const { native } = this.#options;
    const temporary = `${this.#temporaryPrefix}${entry.id}.part`;
    const file = new IncomingFile({ entry, temporary, native, directories: this.#directories });
    this.#incoming.set(entry.id, { file, parked: [], state: 'declared', confirmed: false });
  }

  #handleContent(content: SealedContent): void {
    const { entry, offset, bodyBytes, number } = content.header;
    const incoming = this.#incoming.get(entry);
    const fits =
      incoming !== undefined && content.header.layout === 0 && this.#claimed.claim(number, number + 1);
    if (this.#over || !fits || !incoming.file.claim(offset, bodyBytes) || this.#parked >= mostParked) {
      content.release();
      if (!this.#over) this.#abort(violation('it sends content that was not declared'));
      return;
    }
    if (incoming.state === 'open') return this.#write(incoming, content);
    this.#parked++;
    incoming.parked.push(content);
    this.#startOpening(entry);
  }

  /** Opens a file when its directory stands and there is something to do with it. */
  #startOpening(id: number): void {
    const incoming = this.#incoming.get(id);
    if (!incoming || incoming.state !== 'declared') return;
    if (incoming.parked.length === 0 && !incoming.confirmed) return;
    if (!this.#writer.has(id)) return;
    incoming.state = 'opening';
    this.#slots.take(() => {
      if (this.#over) return;
      incoming.file.open().then(
        () => this.#handleOpen(incoming),
        (error: unknown) => this.#abort(asXferError(error)),
      );
    });
  }

  #handleOpen(incoming: Incoming): void {
    if (this.#over) return;
    incoming.state = 'open';
    for (const content of incoming.parked.splice(0)) {
      this.#parked--;
      this.#write(incoming, content);
    }
    this.#finishIfComplete(incoming);
  }

  #write(incoming: Incoming, content: SealedContent): void {
    const { number, bodyBytes } = content.header;
    incoming.file.write(content, (error) => {
      content.release();
      if (this.#over) return;
      if (error) return this.#abort(error);
      this.#written.claim(number, number + 1);
      this.#bytes += bodyBytes;
      this.#unacknowledgedBytes += bodyBytes;
      this.#acknowledgeSoon();
      this.#progress();
      this.#finishIfComplete(incoming);
    });
  }

  #acknowledgeSoon(): void {
    if (this.#unacknowledgedBytes >= acknowledgeBytes && this.#session.hasControlRoom)
      return this.#acknowledge();
    this.#timer ??= setTimeout(() => this.#acknowledge(), acknowledgeAfterMs);
  }

  #acknowledge(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#over || this.#unacknowledgedBytes === 0) return;
    if (!this.#session.hasControlRoom) return this.#acknowledgeSoon();
    this.#unacknowledgedBytes = 0;
    const ranges = this.#written.take();
    for (let at = 0; at < ranges.length; at += 1024)
      this.#say({ type: 'received', ranges: ranges.slice(at, at + 1024) });
  }

  #handleFinished(id: number): void {
    const incoming = this.#incoming.get(id);
    if (!incoming || incoming.confirmed)
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
    if (!incoming || incoming.confirmed) return this.#abort(violation('it fails what is no file under way'));
    const { path, size } = incoming.file.entry;
    this.#options.onNote(`${printable(path)} was not received: the sender could not send all of it`);
    this.#total -= size;
    const wasOpen = incoming.state !== 'declared';
    incoming.state = 'finishing';
    for (const content of incoming.parked.splice(0)) {
      this.#parked--;
      content.release();
    }
    void incoming.file.discard().then(() => (wasOpen ? this.#forget(incoming) : this.#drop(incoming)));
  }

  #forget(incoming: Incoming): void {
    this.#slots.give();
    this.#drop(incoming);
  }

  #drop(incoming: Incoming): void {
    this.#incoming.delete(incoming.file.entry.id);
    this.#writer.forget(incoming.file.entry.id);
    this.#progress();
    this.#commitIfDone();
  }

  #handleEndMessage(end: End): void {
    const opened = new Map(this.#session.laneCounts('opened'));
    // The end itself came on one of the lanes and is not in its count.
    const counted = end.lanes.reduce((sum, [, records]) => sum + records, 1);
    const arrived = [...opened.values()].reduce((sum, records) => sum + records, 0);
    if (
      this.#end ||
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
    this.#writer.finish().then(
      () => {
        if (this.#over) return;
        this.#acknowledge();
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
      for (const content of parked.splice(0)) content.release();
      await file.discard();
    }
    await this.#directories.close();
  }
}

const violation = (what: string) =>
  new XferError('ERR_XFER_PROTOCOL', `the sender breaks the protocol: ${what}`);
