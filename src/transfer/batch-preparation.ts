import { formatSize } from '../config/quantity.js';
import { XferError } from '../errors/index.js';
import type { FilesApi } from '../native/api.js';
import { findComparable, findThere, type Begun } from './begun-transfer.js';
import { entryKind, type ManifestEntry } from './entry-codec.js';
import type { ManifestCheck } from './manifest-check.js';
import type { TransferMessage } from './messages.js';
import type { ReceiveAmounts } from './receive-amounts.js';
import type { OverwritePolicy } from './receive-policy.js';

export type Declared = Extract<TransferMessage, { type: 'declared' }>;

export interface BatchPreparationOptions {
  readonly files: FilesApi;
  /** Held directory below which everything is written. */
  readonly root: number;
  readonly check: ManifestCheck;
  readonly overwrite: OverwritePolicy;
  readonly amounts: ReceiveAmounts;
  /** The transfer may have ended while a batch was at work. */
  isOver(): boolean;
  /** It stands, and is the same. */
  onThere(entry: ManifestEntry): void;
  /** It is not wanted. */
  onLeftOut(entry: ManifestEntry, reason: string): void;
  /** The batch stands. */
  onDeclared(message: Declared): void;
}

/** Whether there is room is asked only where more than this is to come. */
const leastCheckedBytes = 1024 * 1024;

/** Makes what the batches of a manifest need to stand in, and answers them: what is there, what is wanted, under which name. */
export class BatchPreparation {
  readonly #options: BatchPreparationOptions;

  constructor(options: BatchPreparationOptions) {
    this.#options = options;
  }

  /** `count` entries were declared, of which `entries` may be written. One batch at a time. */
  async prepare(count: number, entries: readonly ManifestEntry[], begun: Begun): Promise<void> {
    const { amounts } = this.#options;
    const { writer, content, hardLinks, comparisons } = begun;
    // What else there is would be left by a process that is killed.
    if (entries.some(({ kind }) => kind !== entryKind.file)) await begun.keeper?.hold();
    await writer.makeDirectories(entries);
    const { skipped, have } = await findThere(entries, begun);
    for (const entry of skipped) {
      content.skip(entry.id);
      amounts.handleContent(entry.size);
      this.#options.onThere(entry);
    }
    for (const [, ranges] of have) for (const [from, to] of ranges) amounts.handleContent(to - from);
    await this.#checkSpace();
    const missing = entries.filter((entry) => !skipped.has(entry));
    const wanted = await this.#permitted(missing, begun);
    const ids = new Set(wanted.map(({ id }) => id));
    const resumed = have.filter(([id]) => ids.has(id));
    const isResumed = new Set(resumed.map(([id]) => id));
    const candidates = missing.filter(({ id }) => ids.has(id) && !isResumed.has(id));
    const compared = await findComparable(candidates, begun);
    const original = new Set(missing);
    for (const entry of wanted) if (!original.has(entry)) comparisons.protect(entry.id);
    await writer.makeLinks(wanted);
    if (this.#options.isOver()) return;
    for (const entry of wanted) {
      if (entry.kind === entryKind.file) content.handleStanding(entry.id);
      if (entry.kind === entryKind.hardLink) hardLinks.add(entry);
    }
    const compare = compared.map((id) => [id, comparisons.mayBeSame(id)] as const);
    this.#options.onDeclared({
      type: 'declared',
      entries: count,
      skip: skipped.size > 0 ? [...skipped].map(({ id }) => id) : undefined,
      have: resumed.length > 0 ? resumed : undefined,
      compare: compare.length > 0 ? compare : undefined,
    });
    comparisons.start(compared);
  }

  /** What of a batch may be written, under the names that it gets. */
  async #permitted(entries: readonly ManifestEntry[], begun: Begun): Promise<readonly ManifestEntry[]> {
    const { check, overwrite } = this.#options;
    if (overwrite.isAlways) return entries;
    const wanted: ManifestEntry[] = [];
    for (const entry of entries) {
      const permission = await overwrite.decide(entry, (path) => check.hasName(path));
      if (permission.kind === 'write') wanted.push(entry);
      if (permission.kind === 'rename') wanted.push(this.#rename(entry, permission.path, begun));
      if (permission.kind === 'leave') this.#leave(entry, permission.reason, begun);
    }
    return wanted;
  }

  #rename(entry: ManifestEntry, path: string, { content, hardLinks }: Begun): ManifestEntry {
    const taken = this.#options.check.addName(path);
    if (taken) throw taken;
    content.rename(entry.id, path);
    hardLinks.handleRenamed(entry.path, path);
    return { ...entry, path };
  }

  #leave(entry: ManifestEntry, reason: string, { content, hardLinks }: Begun): void {
    content.leave(entry.id);
    hardLinks.handleAbsent(entry.path);
    this.#options.amounts.handleUnwanted(entry);
    this.#options.onLeftOut(entry, reason);
  }

  /** Rather at once than in the middle. */
  async #checkSpace(): Promise<void> {
    const { files, root, amounts } = this.#options;
    const missing = amounts.missingBytes;
    if (missing < leastCheckedBytes) return;
    const free = await files.freeBytes(root);
    if (missing > free)
      throw new XferError(
        'ERR_XFER_NO_SPACE',
        `there is room for ${formatSize(free)}, and ${formatSize(missing)} are to come`,
      );
  }
}
