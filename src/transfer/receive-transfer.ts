import { transferDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { SealedContent } from '../session/lane.js';
import type { Session } from '../session/session.js';
import type { Retain } from '../transport/contract.js';
import { abortError, abortMessage } from './abort-message.js';
import { Acknowledger } from './acknowledger.js';
import { BatchPreparation, type Declared } from './batch-preparation.js';
import type { Begun } from './begun-transfer.js';
import { bottleneckOf, type Bottleneck } from './bottleneck.js';
import { ContentReceiver } from './content-receiver.js';
import { DirectFiles } from './direct-files.js';
import { DirectoryCache } from './directory-cache.js';
import { EarlierTry } from './earlier-try.js';
import { EntryWriter } from './entry-writer.js';
import { HardLinkWriter } from './hard-link-writer.js';
import { JournalKeeper } from './journal-keeper.js';
import { ManifestCheck } from './manifest-check.js';
import { entryKind, type ManifestEntry } from './entry-codec.js';
import {
  decodeTransferMessage,
  encodeTransferMessage,
  updateMode,
  type Parcel,
  type TransferMessage,
} from './messages.js';
import { printable } from './printable.js';
import { ReceiveAmounts } from './receive-amounts.js';
import type { ReceiveSummary, ReceiveTransferOptions } from './receive-options.js';
import { checkAmount, OverwritePolicy, type ReceivePolicy } from './receive-policy.js';
import { ReceiveComparisons } from './receive-comparisons.js';
import { ReceiverClock } from './stage-clocks.js';
import { Surplus } from './surplus.js';
import { TemporaryNames } from './temporary-names.js';

/** Batches that wait for their directories; an honest sender keeps to half of it. */
const mostBatches = 8;
/** Another batch is asked for when there are no more than so many files under way. */
const mostUnderWay = 4 * transferDefaults.manifestBatchEntries;
/** Deleted paths that are named one by one. */
const mostTold = 100;
/** Records that may come before the beginning. */
const mostEarly = 16;
/** Less than this is not kept for another try: to send it again costs less than what lies around. */
const leastKept = { bytes: 4 * 1024 * 1024, files: 256 };

type Begin = Extract<TransferMessage, { type: 'begin' }>;
type End = Extract<TransferMessage, { type: 'end' }>;

/**
 * The receiver's half of a transfer. Never stops reading its lanes: the sender's window bounds what waits here.
 * Resolves when everything stands under its real name and the sender was told so. When it rejects, no part of a file
 * does; temporary files are gone, or kept with a journal for another try where that can use them.
 */
export class ReceiveTransfer {
  readonly #options: ReceiveTransferOptions;
  readonly #session: Session;
  readonly #check: ManifestCheck;
  readonly #directories: DirectoryCache;
  readonly #acknowledger: Acknowledger;
  readonly #policy: ReceivePolicy;
  readonly #overwrite: OverwritePolicy;
  #begun: Begun | undefined;
  /** Content that came before the beginning. */
  readonly #early: SealedContent[] = [];
  #declaring: Promise<void>;
  /** What `#declaring` waits for. */
  #working = 1;
  #batches = 0;
  /** Whether one is being written. */
  #hasParcel = false;
  /** Answers to the batches that stand. */
  readonly #unanswered: Declared[] = [];
  readonly #amounts = new ReceiveAmounts();
  readonly #preparation: BatchPreparation;
  #end: End | undefined;
  #bottleneck: Bottleneck = 'none';
  #committing = false;
  readonly #carried = new Map<number, number>();
  #committed = false;
  #over = false;
  #error: XferError | undefined;
  #settle: { resolve(summary: ReceiveSummary): void; reject(error: XferError): void } | undefined;

  constructor(options: ReceiveTransferOptions) {
    this.#options = options;
    this.#session = options.session;
    const ready = () => {
      this.#working--;
    };
    this.#declaring = Promise.resolve(options.after).then(ready, ready);
    this.#directories = new DirectoryCache(options.native.files, options.root);
    this.#policy = options.policy ?? {};
    this.#check = new ManifestCheck(this.#policy.maxEntries);
    this.#overwrite = new OverwritePolicy(options.native.files, this.#directories, this.#policy);
    this.#acknowledger = new Acknowledger(options.session, (message) => this.#say(message));
    this.#preparation = new BatchPreparation({
      ...{ files: options.native.files, root: options.root },
      ...{ check: this.#check, overwrite: this.#overwrite, amounts: this.#amounts },
      isOver: () => this.#over,
      onThere: (entry) => this.#handleFileDone(entry),
      onLeftOut: ({ id, path }, reason) => this.#leaveOut(id, printable(path), reason),
      onDeclared: (message) => {
        this.#unanswered.push(message);
        this.#answer();
      },
    });
  }

  async run(): Promise<ReceiveSummary> {
    const { signal } = this.#options;
    const committed = new Promise<ReceiveSummary>((resolve, reject) => (this.#settle = { resolve, reject }));
    const interrupt = () => this.#abort(asXferError(signal.reason));
    signal.addEventListener('abort', interrupt, { once: true });
    this.#session.attach({
      onControl: (body, retain) => this.#handleControl(body, retain),
      onContent: (content) => {
        this.#carried.set(content.lane, (this.#carried.get(content.lane) ?? 0) + content.header.bodyBytes);
        if (this.#begun) return this.#begun.content.handleContent(content);
        // A copy of what an earlier transfer had, from a lane that is slow.
        if (content.header.number < this.#firstRecord) return content.release();
        // Its lane may be faster than the one on which the sender says what it is.
        if (this.#early.length < mostEarly) return void this.#early.push(content);
        content.release();
        this.#abort(violation('it sends content and does not begin'));
      },
      onRoom: () => undefined,
      onAcknowledged: () => this.#handleAcknowledged(),
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

  /** Whether the sender has said which transfer it is. */
  get hasBegun(): boolean {
    return this.#begun !== undefined;
  }

  get #firstRecord(): number {
    return this.#options.firstRecord ?? 0;
  }

  /** What breaks its schema ends the transfer as every other violation does: the sender is told. */
  #handleControl(body: Uint8Array, retain?: Retain): void {
    if (this.#over) return;
    try {
      this.#handleMessage(decodeTransferMessage(body), retain);
    } catch (error) {
      this.#abort(asXferError(error));
    }
  }

  #handleMessage(message: TransferMessage, retain: Retain | undefined): void {
    if (message.type === 'abort') return this.#fail(abortError('sender', message));
    if (message.type === 'ungroup') return this.#session.group.close();
    if (this.#end) return this.#abort(violation('it goes on behind its own end'));
    if (message.type === 'begin') return this.#handleBegin(message);
    if (message.type === 'ping' && !this.#begun && this.#options.onAnother)
      return this.#say({ type: 'pong', number: message.number });
    if (message.type === 'parcel' && !this.#begun) return this.#handleParcel(message, retain);
    if (!this.#begun) return this.#abort(violation('it does not begin'));
    const { content } = this.#begun;
    switch (message.type) {
      case 'manifest':
        return this.#handleManifest(message.entries, this.#begun);
      case 'finished':
        for (const id of message.ids) if (!this.#isOver()) content.handleFinished(id);
        return;
      case 'keep':
        return this.#begun.comparisons.keep(message.id, message.ranges);
      case 'compared':
        return this.#begun.comparisons.finish(message.id, message.isSame);
      case 'group':
        return this.#handleGroup(message);
      case 'sealed':
        if (!this.#session.group.handleDigests(message.from, message.digests))
          this.#abort(violation('it tells of records that there cannot be'));
        return;
      case 'holes':
        return content.handleHoles(message.id, message.ranges);
      case 'failed':
        return content.handleFailed(message.id);
      case 'end':
        return this.#handleEndMessage(message);
      default:
        return this.#abort(violation(`it says ${message.type}`));
    }
  }

  #handleBegin({ key, resume, update, remove }: Begin): void {
    if (this.#begun) return this.#abort(violation('it begins twice'));
    if (this.#hasParcel) return this.#abort(violation('it begins before its parcel was answered'));
    if (remove && (!this.#policy.removes || update === updateMode.none))
      return this.#abort(
        new XferError('ERR_XFER_REFUSED', 'nothing is deleted here: that takes --delete at the receiver too'),
      );
    const { native, root, session, onBegin } = this.#options;
    const names = new TemporaryNames(session.peerKey, key);
    const begun: Begun = {
      names,
      clock: new ReceiverClock(native.seal),
      update,
      removes: remove,
      waits: resume || update !== updateMode.none,
      comparisons: new ReceiveComparisons({
        native,
        directories: this.#directories,
        say: (message) => this.#say(message),
        onKept: (file, from, to) => {
          this.#amounts.handleContent(to - from);
          this.#begun?.keeper?.handleWritten(file, from, to);
          this.#begun?.content.handleChanged(file.entry.id);
          this.#progress();
        },
        onSame: (entry) => {
          this.#begun?.content.skip(entry.id);
          this.#amounts.handleContent(entry.size);
          this.#handleFileDone(entry);
        },
        onIdle: () => this.#commitIfDone(),
        onError: (error) => this.#abort(error),
      }),
      content: this.#newContent(names),
      writer: new EntryWriter({ files: native.files, ...this.#common(names) }),
      hardLinks: new HardLinkWriter({
        files: native.files,
        ...this.#common(names),
        onLeftOut: ({ id, path }, reason) => this.#leaveOut(id, printable(path), reason),
      }),
    };
    this.#begun = begun;
    const open = async (): Promise<void> => {
      await onBegin?.(key);
      const keeper = await JournalKeeper.open(
        {
          ...{ files: native.files, root, peer: session.peerKey, key, names },
          onDurable: (bytes) => this.#say({ type: 'durable', bytes }),
          onError: (error) => this.#abort(error),
        },
        !begun.waits && this.#options.isUnnamed,
      );
      begun.keeper = keeper;
      begun.earlier = new EarlierTry(native.files, this.#directories, keeper, names);
      if (!resume) await begun.earlier.removeLeftOver();
    };
    this.#inOrder(open);
    for (const content of this.#early.splice(0)) begun.content.handleContent(content);
  }

  /** Its sender waits for the answer. */
  #handleParcel(parcel: Parcel, retain: Retain | undefined): void {
    const { onParcel } = this.#options;
    if (!onParcel) return this.#abort(violation('it does not begin'));
    if (this.#hasParcel) return this.#abort(violation('it sends a parcel before the last one was answered'));
    this.#hasParcel = true;
    const release = retain?.();
    const take = async () => {
      const tell = await onParcel(parcel);
      this.#hasParcel = false;
      this.#say({ type: 'parcelled', isTaken: tell !== undefined });
      // Behind what has the answer sent.
      if (tell) process.nextTick(tell);
    };
    if (this.#working > 0) this.#inOrder(take);
    else this.#declaring = take().catch((error: unknown) => this.#abort(asXferError(error)));
    if (release) void this.#declaring.then(release);
  }

  #handleGroup(offer: Extract<TransferMessage, { type: 'group' }>): void {
    const { lane } = offer;
    const isFirst = this.#session.group.offer(offer, {
      onJoined: () => this.#say({ type: 'grouped', lane }),
      onLost: ({ message }) => {
        if (this.#over || this.#committed) return;
        this.#options.onNote(`${message}; the rest comes by itself`);
        this.#say({ type: 'ungroup', lane });
      },
    });
    if (!isFirst) this.#abort(violation('it tells of a second group'));
  }

  /** What all that write here share. */
  #common(names: TemporaryNames) {
    const { owners = false, attributes = false } = this.#policy;
    const metadata = { owners, attributes };
    const replaces = (path: string) => this.#overwrite.mayReplace(path);
    return { directories: this.#directories, names, replaces, metadata };
  }

  #newContent(names: TemporaryNames): ContentReceiver {
    const { native, isDirect = false, onNote } = this.#options;
    return new ContentReceiver({
      native,
      direct: isDirect ? new DirectFiles(native.files, onNote) : undefined,
      ...this.#common(names),
      firstRecord: this.#firstRecord,
      hold: () => this.#begun?.keeper?.hold(),
      isAhead: (id) => id >= this.#check.entries && this.#end === undefined,
      onSettled: (number, bytes) => {
        this.#acknowledger.add(number, bytes);
        this.#commitIfDone();
      },
      onAgain: (number) => this.#say({ type: 'again', ranges: [[number, number + 1]] }),
      onOpen: () => this.#commitIfDone(),
      onHole: (bytes) => {
        this.#amounts.handleHole(bytes);
        this.#progress();
      },
      onWritten: (file, from, to) => {
        this.#amounts.handleContent(to - from);
        this.#begun?.keeper?.handleWritten(file, from, to);
        this.#progress();
      },
      onFinished: (entry, stamp, file) => {
        if (!file) this.#amounts.handleContent(entry.size);
        this.#begun?.keeper?.handleFinished(entry, stamp, file);
        this.#handleFileDone(entry);
      },
      onDropped: (entry) => {
        this.#begun?.hardLinks.handleAbsent(entry.path);
        this.#options.onNote(
          `${printable(entry.path)} was not received: the sender could not send all of it`,
        );
        this.#amounts.handleDropped(entry);
        this.#handleFileGone();
      },
      onGone: (file) => this.#begun?.keeper?.handleGone(file),
      onError: (error) => this.#abort(error),
    });
  }

  /** The names of the whole batch are checked before anything of it is written. */
  #handleManifest(offered: readonly ManifestEntry[], begun: Begun): void {
    if (++this.#batches > mostBatches) return this.#abort(violation('it declares more than was asked for'));
    const checked = this.#check.batch(offered);
    if (checked instanceof Error) return this.#abort(checked);
    const { entries, leftOut } = checked;
    for (const { id, path, reason } of leftOut) {
      begun.hardLinks.handleAbsent(path);
      this.#leaveOut(id, `the link ${printable(path)}`, reason);
    }
    for (const entry of entries) {
      if (entry.kind !== entryKind.file) continue;
      this.#amounts.handleOffered(entry);
      begun.content.expect(entry);
    }
    const tooMuch = checkAmount(this.#policy, this.#amounts.total, this.#amounts.offeredFiles);
    if (tooMuch) return this.#abort(tooMuch);
    this.#inOrder(() => this.#preparation.prepare(offered.length, entries, begun));
    this.#progress();
  }

  #leaveOut(id: number, what: string, reason: string): void {
    this.#options.onNote(`${what} was left out: ${printable(reason)}`);
    this.#say({ type: 'left-out', id, reason: reason.slice(0, 512) });
  }

  /** One piece of work after the other; a failure ends the transfer. */
  #inOrder(work: () => Promise<void>): void {
    this.#working++;
    this.#declaring = this.#declaring
      .then(() => (this.#over ? undefined : work()))
      .then(() => this.#commitIfDone())
      .catch((error: unknown) => this.#abort(asXferError(error)))
      .then(() => {
        this.#working--;
      });
  }

  /** Whoever declares faster than files can be made here waits, so that what is kept of them is bounded. */
  #answer(): void {
    while ((this.#begun?.content.size ?? 0) <= mostUnderWay) {
      const answer = this.#unanswered.shift();
      if (answer === undefined) return;
      this.#batches--;
      this.#say(answer);
    }
  }

  #handleFileDone(entry: ManifestEntry): void {
    this.#amounts.handleFileDone(entry);
    this.#handleFileGone();
  }

  #handleFileGone(): void {
    this.#progress();
    this.#answer();
    this.#commitIfDone();
  }

  #handleEndMessage(end: End): void {
    if (end.remove && !this.#begun?.removes)
      return this.#abort(violation('it deletes, and did not say so when it began'));
    if (end.entries !== this.#check.entries || this.#begun?.content.hasEarly)
      return this.#abort(incomplete());
    this.#end = end;
    this.#commitIfDone();
  }

  #commitIfDone(): void {
    const [end, begun] = [this.#end, this.#begun];
    if (!end || !begun || this.#over || this.#committing || this.#batches > 0) return;
    const { content } = begun;
    // What is on its way on other lanes is waited for.
    if (!content.hasRecords(end.records) && !content.hasMoreThan(end.records)) return;
    if (content.size > 0 && (begun.comparisons.isBusy || !content.isStuck)) return;
    const isWhole = content.size === 0 && content.hasRecords(end.records);
    // What was left out here may be counted over there.
    if (!isWhole || !this.#amounts.isWhole(end)) return this.#abort(incomplete());
    this.#committing = true;
    this.#options.onCommitting();
    this.#inOrder(async () => {
      await begun.hardLinks.finish();
      if (end.remove) await this.#removeSurplus(begun);
      await begun.earlier?.sweep(['', ...begun.writer.made]);
      await begun.writer.finish();
      if (this.#policy.syncs) await this.#options.native.files.syncFileSystem(this.#options.root);
      await begun.earlier?.removeLeftOver();
      await begun.keeper?.hide();
      if (this.#isOver()) return;
      this.#acknowledger.flush();
      const waits = begun.clock.waits(begun.content.heldMs);
      this.#bottleneck = end.waits ? bottleneckOf(end.waits, waits) : 'none';
      const { files, fileBytes: bytes } = this.#amounts;
      this.#say({ type: 'committed', files, bytes, waits });
      this.#committed = true;
      if (!this.#options.onAnother) this.#session.finish();
    });
  }

  /** Only below directories that were offered, and only where both sides want it. */
  async #removeSurplus({ writer }: Begun): Promise<void> {
    let count = 0;
    await new Surplus({
      files: this.#options.native.files,
      directories: this.#directories,
      isOffered: (path) => this.#check.hasName(path),
      onRemoved: (path) => {
        if (++count <= mostTold) this.#options.onNote(`deleted ${printable(path)}`);
      },
    }).remove(writer.made);
    if (count > mostTold) this.#options.onNote(`deleted ${count - mostTold} more`);
  }

  /** Who knows of the commit may begin another. */
  #handleAcknowledged(): void {
    const { onAnother } = this.#options;
    if (!onAnother || !this.#committed || this.#over || !this.#end) return;
    this.#over = true;
    // A group is that of one transfer.
    this.#session.group.close();
    this.#settle?.resolve(this.#summary);
    onAnother(this.#end.records);
  }

  get #summary(): ReceiveSummary {
    const { files, fileBytes: bytes } = this.#amounts;
    return { files, bytes, bottleneck: this.#bottleneck, carried: this.#carried };
  }

  /** The sender closes when it has heard of the commit; if it cannot, what was committed stays committed. */
  #handleEnd(error: XferError | undefined): void {
    if (this.#committed) {
      this.#error = error;
      return this.#settle?.resolve(this.#summary);
    }
    this.#fail(
      error ?? new XferError('ERR_XFER_TRUNCATED', 'the sender left before the transfer was complete'),
    );
  }

  /** Asked behind an await, where what the compiler knows of the field is out of date. */
  #isOver(): boolean {
    return this.#over;
  }

  #progress(): void {
    if (!this.#over) this.#options.onProgress(this.#amounts.progress);
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
    this.#error = error;
    // Before the session ends, which it may do at once, and as lost.
    this.#settle?.reject(error);
    this.#session.finish();
  }

  async #cleanUp(): Promise<void> {
    await this.#declaring;
    for (const content of this.#early.splice(0)) content.release();
    const { content, keeper } = this.#begun ?? {};
    await this.#begun?.comparisons.close();
    const keep = keeper !== undefined && this.#isOfUse(keeper);
    // What is synced and journalled first must still be open.
    if (keep) await keeper.flush().catch(() => undefined);
    await content?.close(keep && !this.#committed);
    await keeper?.close(keep);
    await this.#directories.close();
  }

  /** Whether another try can use what is here: the same command would bring the rest, or ask whether all is done. */
  #isOfUse(keeper: JournalKeeper): boolean {
    const error = this.#error;
    if (!error) return false;
    if (!this.#committed && !error.row.retryable && error.code !== 'ERR_XFER_INTERRUPTED') return false;
    const { carriedBytes, files } = this.#amounts;
    const isMuch = carriedBytes >= leastKept.bytes || files >= leastKept.files;
    return this.#committed || keeper.hasEarlier || isMuch;
  }
}

const incomplete = () =>
  new XferError('ERR_XFER_TRUNCATED', 'the sender ended, but what arrived is not what it counts');

const violation = (what: string) =>
  new XferError('ERR_XFER_PROTOCOL', `the sender breaks the protocol: ${what}`);
