import { sessionDefaults, transferDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { Session } from '../session/session.js';
import { abortError, abortMessage } from './abort-message.js';
import { bottleneckOf } from './bottleneck.js';
import { ContentSender } from './content-sender.js';
import { Gate } from './gate.js';
import { entryKind } from './entry-codec.js';
import {
  decodeTransferMessage,
  encodeTransferMessage,
  updateMode,
  type Ranges,
  type TransferMessage,
} from './messages.js';
import { printable } from './printable.js';
import { RangeSet } from './range-set.js';
import { SendComparisons } from './send-comparisons.js';
import type { MeasuredTransfer, SendSummary, SendTransferOptions } from './send-options.js';
import { SendTally } from './send-tally.js';
import type { SourceEntry } from './source-entry.js';
import { SenderClock } from './stage-clocks.js';
import { checkWholeFiles, wholeFileBytes } from './whole-files.js';

/** Batches whose directories the receiver has not made yet; a receiver refuses more than twice that. */
const batchesAhead = 4;

/** Ranges of one message. */
const mostHoles = 1024;
const noToken = new Uint8Array();

type Declared = Extract<TransferMessage, { type: 'declared' }>;

interface Batch {
  readonly entries: readonly SourceEntry[];
  answer?: Declared;
}

/**
 * The sender's half of a transfer: declares entries, has their content sent, and ends only when the receiver has
 * committed. Resolves with what was committed.
 */
export class SendTransfer {
  readonly #options: SendTransferOptions;
  readonly #session: Session;
  readonly #content: ContentSender;
  readonly #comparisons: SendComparisons;
  readonly #clock: SenderClock;
  /** Nothing is sent before the receiver has said what it has. */
  readonly #waits: boolean;
  readonly #declareGate = new Gate();
  readonly #sendGate = new Gate();
  readonly #tally = new SendTally();
  /** Batches that the receiver has not answered. */
  readonly #batches: Batch[] = [];
  /** Batches whose files are not all being sent yet. */
  readonly #declared: Batch[] = [];
  #allDeclared = false;
  /** What the receiver has of files that are not read yet. */
  readonly #have = new Map<number, Ranges>();
  #finished: number[] = [];
  #ended = false;
  #over = false;
  #settle: { resolve(summary: SendSummary): void; reject(error: XferError): void } | undefined;

  constructor(options: SendTransferOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#clock = new SenderClock(options.native.seal);
    this.#waits = options.resume || (options.update ?? updateMode.none) !== updateMode.none;
    this.#comparisons = new SendComparisons({
      native: options.native,
      say: (message) => this.#say(message),
      onDifferent: (entry, have) => {
        this.#have.set(entry.id, have);
        this.#content.push(entry, false);
        this.#sendGate.check();
      },
      onSame: (entry) => {
        this.#skip(entry);
        this.#sendGate.check();
      },
      onFailed: (entry, error) => {
        this.#fileFailed(entry, error);
        this.#sendGate.check();
      },
    });
    this.#content = new ContentSender({
      session: options.session,
      native: options.native,
      limit: options.limit,
      compress: options.compress ?? 'off',
      firstRecord: options.firstRecord,
      group: options.group && {
        seat: options.group.seat,
        say: (message) => this.#say(message),
        onJoined: () => options.group?.onJoined(),
        onAlone: (reason) => {
          options.group?.onAlone(reason);
          this.#sendGate.check();
        },
      },
      packedFileBytes: options.packedFileBytes ?? sessionDefaults.streamingThresholdBytes,
      direct: options.direct,
      isAwaited: () => this.#batches.length >= batchesAhead,
      rangesOf: (entry) => this.#rangesOf(entry),
      onHoles: (entry, ranges) => this.#handleHoles(entry, ranges),
      onRead: (entry) => this.#handleRead(entry),
      onFailed: (entry, error, wasRead) => {
        if (wasRead) this.#tally.remove(entry);
        this.#fileFailed(entry, error);
      },
      onPacked: (entry, error) => this.#handlePacked(entry, error),
      onFatal: (error) => this.#abort(error),
      onProgress: () => this.#sendGate.check(),
    });
  }

  /** What decides how many lanes help, and over what. */
  get measured(): MeasuredTransfer {
    const { receivedBytes, waits, loads } = this.#content;
    const { total, skippedBytes } = this.#tally;
    return {
      ...{ receivedBytes, networkMs: waits.network, loads },
      remainingBytes: Math.max(0, total - skippedBytes - receivedBytes),
    };
  }

  /** A lane may be dead, or is known not to be. */
  handleSuspect(lane: number, isSuspect: boolean): void {
    this.#session.handleSuspect(lane, isSuspect);
    this.#content.handleSuspect(lane, isSuspect);
  }

  /** A lane shall carry nothing new while others do, or shall again. */
  handleRest(lane: number, isResting: boolean): void {
    this.#content.handleRest(lane, isResting);
  }

  /** The least that the lane's path takes, in milliseconds. */
  handleRoundTrip(lane: number, ms: number): void {
    this.#content.handleRoundTrip(lane, ms);
  }

  /** Rejects with an XferError when the transfer as a whole failed; problems of single entries go to `onProblem`. */
  async run(): Promise<SendSummary> {
    const { signal, key, resume, update = updateMode.none, remove = false } = this.#options;
    const committed = new Promise<SendSummary>((resolve, reject) => (this.#settle = { resolve, reject }));
    const interrupt = () => this.#abort(asXferError(signal.reason));
    signal.addEventListener('abort', interrupt, { once: true });
    this.#session.attach({
      onControl: (body) => this.#handleControl(body),
      onContent: (content) => {
        content.release();
        this.#abort(new XferError('ERR_XFER_PROTOCOL', 'the receiver sent content'));
      },
      onRoom: () => this.#content.pump(),
      onLane: (lane, state) => this.#content.handleLane(lane, state),
      onEnd: (error) =>
        this.#fail(
          error ?? new XferError('ERR_XFER_CONNECTION_LOST', 'the receiver left before it had committed'),
        ),
    });
    if (signal.aborted) interrupt();
    this.#say({ type: 'begin', key, resume, update, remove });
    this.#content.begin();
    for (const work of [this.#declareAll(), this.#sendAll()])
      work.catch((error: unknown) => this.#abort(asXferError(error)));
    try {
      return await committed;
    } finally {
      signal.removeEventListener('abort', interrupt);
      this.#close();
    }
  }

  /** Declares batch after batch, some of them ahead of those whose files are sent. */
  async #declareAll(): Promise<void> {
    const mostBytes = wholeFileBytes(this.#session.hello);
    // Before anything is declared, or a part would be there already when the refusal comes.
    if (mostBytes !== undefined && this.#options.preview)
      await checkWholeFiles(this.#options.preview(), mostBytes);
    for await (const entries of this.#options.batches) {
      const hasRoom = () => this.#batches.length < batchesAhead && this.#declared.length < batchesAhead;
      await this.#declareGate.until(() => this.#over || hasRoom());
      if (this.#over) return;
      this.#declare(entries);
    }
    this.#allDeclared = true;
    this.#sendGate.check();
  }

  async #sendAll(): Promise<void> {
    const isReady = () => (this.#declared[0] ? !this.#waits || this.#declared[0].answer : this.#allDeclared);
    for (;;) {
      await this.#sendGate.until(() => this.#over || Boolean(isReady()));
      const batch = this.#declared[0];
      if (!batch || this.#over) break;
      const skipped = new Set(batch.answer?.skip);
      for (const [id, ranges] of batch.answer?.have ?? []) this.#have.set(id, ranges);
      const compared = new Map(batch.answer?.compare);
      for (const entry of batch.entries) {
        if (entry.kind !== entryKind.file || compared.has(entry.id)) continue;
        if (skipped.has(entry.id)) this.#skip(entry);
        else if (!this.#tally.isLeftOut(entry.id)) {
          await this.#sendGate.until(() => this.#isOver() || this.#content.hasRoom);
          if (this.#isOver()) return;
          this.#content.push(entry, !this.#have.has(entry.id));
        }
      }
      this.#content.flush();
      this.#declared.shift();
      this.#declareGate.check();
    }
    await this.#sendGate.until(() => this.#isOver() || this.#comparisons.size === 0);
    this.#content.complete();
    await this.#sendGate.until(() => this.#over || (this.#content.isRead && this.#content.isTold));
    this.#end();
  }

  #declare(entries: readonly SourceEntry[]): void {
    const batch: Batch = { entries };
    this.#tally.offer(entries);
    this.#batches.push(batch);
    this.#declared.push(batch);
    const { tokenOf } = this.#options;
    const token = (entry: SourceEntry) => (entry.kind === entryKind.file ? tokenOf(entry) : noToken);
    this.#say({ type: 'manifest', entries: entries.map((entry) => ({ ...entry, token: token(entry) })) });
    this.#progress();
    this.#sendGate.check();
  }

  /** Asked behind an await, where what the compiler knows of the field is out of date. */
  #isOver(): boolean {
    return this.#over;
  }

  #rangesOf(entry: SourceEntry): Ranges {
    const have = new RangeSet();
    for (const [from, to] of this.#have.get(entry.id) ?? [])
      if (from < to && to <= entry.size) have.claim(from, to);
    this.#have.delete(entry.id);
    this.#tally.skippedBytes += have.size;
    this.#progress();
    return have.missing(0, entry.size);
  }

  /** Files whose batch is answered will not be left out any more. */
  #mayBeLeftOut({ id }: SourceEntry): boolean {
    return this.#batches.some(({ entries }) => isWithin(entries, id));
  }

  #skip(entry: SourceEntry): void {
    this.#tally.skip(entry, this.#mayBeLeftOut(entry));
    this.#progress();
  }

  #end(): void {
    if (this.#over) return;
    this.#flushFinished();
    this.#options.onCommitting();
    this.#ended = true;
    const { entries, files, bytes } = this.#tally;
    this.#say({
      ...{ type: 'end', entries, files, bytes },
      records: this.#content.records,
      remove: this.#options.mayRemove?.() ?? false,
      waits: this.#clock.waits(this.#content.waits),
    });
    this.#session.hurryControl();
  }

  #handleHoles({ id }: SourceEntry, ranges: Ranges): void {
    for (let at = 0; at < ranges.length; at += mostHoles)
      this.#say({ type: 'holes', id, ranges: ranges.slice(at, at + mostHoles) });
    for (const [from, to] of ranges) this.#tally.skippedBytes += to - from;
    this.#progress();
  }

  #handleRead(entry: SourceEntry): void {
    this.#tally.add(entry, this.#mayBeLeftOut(entry));
    this.#finished.push(entry.id);
    // Those that finish in the same turn of the loop share a message.
    if (this.#finished.length === 1) setImmediate(() => this.#flushFinished());
    this.#content.pump();
  }

  #handlePacked(entry: SourceEntry, error: XferError | undefined): void {
    if (!error) return this.#tally.add(entry, this.#mayBeLeftOut(entry));
    if (this.#tally.isLeftOut(entry.id)) return;
    this.#tally.drop(entry);
    this.#options.onProblem(error);
  }

  #fileFailed(entry: SourceEntry, error: XferError): void {
    if (this.#tally.isLeftOut(entry.id)) return;
    // A record of it was lost and could not be read again: it is not whole over there, and never will be.
    if (this.#ended) return this.#abort(error);
    this.#flushFinished();
    this.#say({ type: 'failed', id: entry.id });
    this.#tally.drop(entry);
    this.#options.onProblem(error);
    this.#content.pump();
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
        return this.#handleDeclared(message);
      case 'received':
      case 'again':
        for (const [from, to] of message.ranges) {
          const isKnown =
            message.type === 'received'
              ? this.#content.handleReceived(from, to)
              : this.#content.handleAgain(from, to);
          if (!isKnown) return this.#abort(violation('it has records that were never sent'));
        }
        this.#progress();
        return this.#content.pump();
      case 'digests':
        if (!this.#comparisons.handle(message)) this.#abort(violation('it compares what was not offered'));
        return;
      case 'durable':
        return;
      case 'grouped':
        if (!this.#content.handleGrouped(message.lane)) this.#abort(violation('it joins what is no group'));
        return;
      case 'ungroup':
        if (!this.#content.handleUngrouped(message.lane))
          this.#abort(violation('it leaves what is no group'));
        return;
      case 'left-out':
        return this.#handleLeftOut(message.id, message.reason);
      case 'committed':
        return this.#handleCommitted(message);
      case 'abort':
        return this.#fail(abortError('receiver', message));
      default:
        return this.#abort(violation(`it says ${message.type}`));
    }
  }

  #handleDeclared(answer: Declared): void {
    const batch = this.#batches.shift();
    if (!batch) return this.#abort(violation('it declares batches that were never sent'));
    const { skip = [], have = [], compare = [] } = answer;
    const isWrong =
      skip.length + have.length + compare.length > 0 && !this.#waits
        ? true
        : [...skip, ...have.map(([id]) => id), ...compare.map(([id]) => id)].some(
            (id) => !isWithin(batch.entries, id),
          );
    if (isWrong) return this.#abort(violation('it has files that were not asked for'));
    this.#tally.handleAnswered(batch.entries);
    // From now on, for the digests may come before the batch has its turn.
    for (const entry of batch.entries)
      for (const [id, mayBeSame] of compare) if (entry.id === id) this.#comparisons.add(entry, mayBeSame);
    batch.answer = answer;
    this.#declareGate.check();
    this.#sendGate.check();
  }

  #handleLeftOut(id: number, reason: string): void {
    const entry =
      this.#tally.hardLink(id) ??
      this.#batches.flatMap(({ entries }) => entries.filter((other) => other.id === id)).at(0);
    if (!entry || this.#tally.isLeftOut(id))
      return this.#abort(violation('it leaves out what was not offered'));
    this.#tally.leaveOut(entry);
    this.#content.drop(id);
    const what = `${entry.kind === entryKind.link ? 'the link ' : ''}${printable(entry.path)}`;
    const code = entry.kind === entryKind.link ? 'ERR_XFER_LINK_REFUSED' : 'ERR_XFER_REFUSED';
    this.#options.onProblem(new XferError(code, `${what} was left out: ${printable(reason)}`));
    this.#progress();
  }

  #handleCommitted({ files, bytes, waits }: Extract<TransferMessage, { type: 'committed' }>): void {
    if (!this.#ended || files !== this.#tally.files || bytes !== this.#tally.bytes)
      return this.#abort(violation('it committed other than what was sent'));
    const bottleneck = waits ? bottleneckOf(this.#clock.waits(this.#content.waits), waits) : 'none';
    // Before the lanes end, which is no loss any more.
    this.#content.close();
    const { carried, records: nextRecord } = this.#content;
    // Before the session ends, which it may do at once, and as lost.
    this.#settle?.resolve({ files, bytes, bottleneck, carried, nextRecord });
    // Who goes on says at once that it was heard: only then another may begin over there.
    if (this.#options.keepsSession) this.#session.confirm();
    else this.#session.finish();
  }

  #progress(): void {
    this.#options.onProgress({
      bytes: this.#tally.skippedBytes + this.#content.receivedBytes,
      total: this.#tally.total,
      sent: this.#content.sentBytes,
      files: this.#tally.files,
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
    // Before the session ends, which it may do at once, and as lost.
    this.#settle?.reject(error);
    this.#session.finish();
    this.#close();
  }

  #close(): void {
    this.#over = true;
    this.#content.close();
    void this.#comparisons.close();
    this.#declareGate.check();
    this.#sendGate.check();
  }
}

/** Ids of a batch count up without a gap. */
function isWithin(entries: readonly SourceEntry[], id: number): boolean {
  const first = entries[0]?.id ?? 0;
  return id >= first && id < first + entries.length;
}

const violation = (what: string) =>
  new XferError('ERR_XFER_PROTOCOL', `the receiver breaks the protocol: ${what}`);
