import { randomBytes } from 'node:crypto';
import type { FilesApi, WatchedFile } from '../native/api.js';
import { entryKind } from './entry-codec.js';
import { transferKeyBytes, type Parcel } from './messages.js';
import { checkPath, normalPath } from './names.js';
import { checkAmount, type ReceivePolicy } from './receive-policy.js';
import { TemporaryNames } from './temporary-names.js';

export interface ParcelWriterOptions {
  readonly files: Pick<FilesApi, 'writeFiles'>;
  /** Held directory in which they are written. */
  readonly root: number;
  /** The sender's key. */
  readonly peer: Uint8Array;
  readonly policy?: ReceivePolicy | undefined;
  /** Whether small files leave nothing there when this process is killed: `writesUnnamed`. */
  readonly isUnnamed: boolean;
  /** Files are to be written past the page cache. */
  readonly isDirect: boolean;
}

/** Writes parcels. Whatever is not plain it leaves to a transfer, which asks, journals, syncs, and says what is wrong. */
export class ParcelWriter {
  readonly #options: ParcelWriterOptions;
  readonly #temporaryPrefix: string;
  #count = 0;

  constructor(options: ParcelWriterOptions) {
    this.#options = options;
    const { packPrefix } = new TemporaryNames(options.peer, randomBytes(transferKeyBytes));
    this.#temporaryPrefix = packPrefix;
  }

  /** Whether any parcel could be taken. */
  static isOfUse({
    policy,
    isUnnamed,
    isDirect,
  }: Omit<ParcelWriterOptions, 'files' | 'root' | 'peer'>): boolean {
    // What was asked for a parcel's name would be asked again where its answer is lost.
    const isPlain = (policy?.overwrite ?? 'always') === 'always' && policy?.syncs !== true;
    return isPlain && isUnnamed && !isDirect;
  }

  /** Whether it stands under its name now: never where `watched`, which says that the sender may, is not what it was. */
  async write({ entry, content }: Parcel, watched: WatchedFile): Promise<boolean> {
    const { files, root, policy = {} } = this.#options;
    const name = normalPath(entry.path);
    const { size, mode, mtimeSeconds, mtimeNanoseconds } = entry;
    const isWhole = entry.kind === entryKind.file && entry.target === '' && size === content.length;
    const hasMore = entry.owner ?? entry.attributes ?? entry.allocatedBytes;
    if (!isWhole || hasMore !== undefined || name.includes('/') || checkPath(name)) return false;
    if (!ParcelWriter.isOfUse(this.#options) || checkAmount(policy, size, 1)) return false;
    try {
      const { errors } = await files.writeFiles({
        buffer: content,
        names: [name],
        numbers: Float64Array.of(root, 0, size, mode, -1, -1, 1),
        mtimesNs: BigInt64Array.of(BigInt(mtimeSeconds) * 1_000_000_000n + BigInt(mtimeNanoseconds)),
        temporaryPrefix: `${this.#temporaryPrefix}${this.#count++}-`,
        watched,
      });
      return errors[0] === 0;
    } catch {
      return false;
    }
  }
}
