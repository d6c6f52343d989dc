import { asXferError, type XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import { blockAt, blockDigest, blockDigestBytes } from './block-digests.js';
import type { Ranges, TransferMessage } from './messages.js';
import { closeSource, openSource, type OpenSource } from './open-source.js';
import { RangeSet } from './range-set.js';
import type { SourceEntry } from './source-entry.js';

/** Ranges of one message. */
const mostRanges = 1024;

export interface SendComparisonsOptions {
  readonly native: NativeApi;
  say(message: TransferMessage): void;
  /** Only what is not in `have` is to be sent. */
  onDifferent(entry: SourceEntry, have: Ranges): void;
  onSame(entry: SourceEntry): void;
  /** The file cannot be read. */
  onFailed(entry: SourceEntry, error: XferError): void;
}

interface Comparison {
  readonly entry: SourceEntry;
  readonly same: RangeSet;
  /** Whether the other file may be the same as a whole: then it is taken as it is. */
  readonly mayBeSame: boolean;
  source?: OpenSource;
}

/** Compares files of ours with what the receiver has, by its digests, one after the other. */
export class SendComparisons {
  readonly #options: SendComparisonsOptions;
  readonly #comparisons = new Map<number, Comparison>();
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: SendComparisonsOptions) {
    this.#options = options;
  }

  /** Comparisons that are not over. */
  get size(): number {
    return this.#comparisons.size;
  }

  add(entry: SourceEntry, mayBeSame: boolean): void {
    this.#comparisons.set(entry.id, { entry, mayBeSame, same: new RangeSet() });
  }

  /** False where nothing of the kind was asked. */
  handle(message: Extract<TransferMessage, { type: 'digests' }>): boolean {
    const comparison = this.#comparisons.get(message.id);
    const count = message.digests.length / blockDigestBytes;
    const blocks = Math.ceil((comparison?.entry.size ?? 0) / blockAt(0, Infinity)[1]);
    if (!comparison || !Number.isInteger(count) || message.from + count > blocks) return false;
    this.#work = this.#work
      .then(() => (this.#closed ? undefined : this.#compare(comparison, message)))
      .catch((error: unknown) => this.#fail(comparison, asXferError(error)));
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
    for (const { source } of this.#comparisons.values()) if (source) await closeSource(source);
    this.#comparisons.clear();
  }

  async #compare(
    comparison: Comparison,
    { from, digests, isLast }: Extract<TransferMessage, { type: 'digests' }>,
  ): Promise<void> {
    const { entry, same } = comparison;
    if (!this.#comparisons.has(entry.id)) return;
    const source = (comparison.source ??= await openSource(entry));
    for (let i = 0; i * blockDigestBytes < digests.length && !this.#closed; i++) {
      const theirs = digests.subarray(i * blockDigestBytes, (i + 1) * blockDigestBytes);
      if (theirs.every((byte) => byte === 0)) continue;
      const [at, to] = blockAt(from + i, entry.size);
      const ours = await blockDigest(this.#options.native.seal, source.handle.fd, at, to - at);
      if (ours && Buffer.compare(ours, theirs) === 0) same.claim(at, to);
    }
    if (isLast) await this.#conclude(comparison, source);
  }

  async #conclude({ entry, same, mayBeSame }: Comparison, source: OpenSource): Promise<void> {
    const { say, onSame, onDifferent } = this.#options;
    await closeSource(source);
    // In one go with what is said of it: whoever sees that none is left ends the transfer.
    this.#comparisons.delete(entry.id);
    const isSame = mayBeSame && same.size === entry.size;
    if (isSame) {
      say({ type: 'compared', id: entry.id, isSame });
      return onSame(entry);
    }
    for (let at = 0; at < same.ranges.length; at += mostRanges)
      say({ type: 'keep', id: entry.id, ranges: same.ranges.slice(at, at + mostRanges) });
    say({ type: 'compared', id: entry.id, isSame });
    onDifferent(entry, same.ranges);
  }

  #fail(comparison: Comparison, error: XferError): void {
    const { entry, source } = comparison;
    if (!this.#comparisons.delete(entry.id)) return;
    if (source) void closeSource(source).catch(() => undefined);
    this.#options.say({ type: 'compared', id: entry.id, isSame: false });
    this.#options.onFailed(entry, error);
  }
}
