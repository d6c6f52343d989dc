import { fileError, XferError } from '../errors/index.js';
import { recordLayout, type FileStamp, type NativeApi } from '../native/api.js';
import type { SealedContent } from '../session/lane.js';
import { isPlain, type PlainContent } from './content-inflater.js';
import type { DirectoryCache, HeldDirectory } from './directory-cache.js';
import type { ManifestEntry } from './entry-codec.js';
import type { MetadataPolicy } from './metadata.js';
import { readPack, type PackedFile } from './pack-layout.js';
import { printable } from './printable.js';
import type { TemporaryNames } from './temporary-names.js';

/** A small file of a pack with what the manifest says of it; without bytes the sender could not read it. */
export interface PackedEntry {
  readonly entry: ManifestEntry;
  readonly packed: PackedFile;
}

export interface Written {
  readonly entry: ManifestEntry;
  readonly stamp: Pick<FileStamp, 'dev' | 'ino'>;
}

/** A pack with what it says of its files. */
interface Opened {
  readonly plain: SealedContent | PlainContent;
  readonly table: PackedFile[] | undefined;
}

/** To open so much takes less than to have it done elsewhere: a file of 64 KiB, and what is around it. */
const openedAtOnceBytes = 66 * 1024;

/** Numbers of a file in a WriteFilesJob, and of a stamp that it gives. */
const jobNumbers = 7;
const stampNumbers = 3;

export interface PackWriterOptions {
  readonly native: NativeApi;
  readonly directories: DirectoryCache;
  readonly names: TemporaryNames;
  /** Whether what stands at a real name is replaced; otherwise `write` rejects with ERR_XFER_EXISTS. */
  readonly replaces: (path: string) => boolean;
  readonly metadata: MetadataPolicy;
}

/** Opens packs, and writes the small files in them in one go: created, written, stamped and renamed on the addon's pool. */
export class PackWriter {
  readonly #options: PackWriterOptions;
  readonly #native: NativeApi;

  constructor(options: PackWriterOptions) {
    this.#options = options;
    this.#native = options.native;
  }

  /**
   * Verifies and decrypts, in place where the pack is large. Rejects with ERR_XFER_TAMPERED; there is no table where the body is
   * no pack. `plain` is what `write` takes.
   */
  async open(content: SealedContent): Promise<Opened> {
    const { key, record, header } = content;
    const ids = { first: header.entry, last: header.offset };
    if (isPlain(content)) return { plain: content, table: readPack(content.body, ids) };
    if (header.bodyBytes <= openedAtOnceBytes) {
      const body = this.#native.seal.openSmall(key, record);
      return { plain: { ...content, body }, table: readPack(body, ids) };
    }
    const bytes = await new Promise<number>((resolve, reject) => {
      this.#native.seal.openBody({ ...key, record }, (error, bodyBytes) =>
        error ? reject(error) : resolve(bodyBytes),
      );
    });
    const body = record.subarray(recordLayout.bodyAt, recordLayout.bodyAt + bytes);
    return { plain: content, table: readPack(body, ids) };
  }

  /** Rejects with an XferError that names the first path that could not be written; the others stand. */
  async write(content: SealedContent, files: readonly PackedEntry[]): Promise<Written[]> {
    const held = await this.#holdAll(files);
    try {
      const { errors, stamps } = await this.#native.files.writeFiles({
        buffer: isPlain(content) ? content.body : content.record,
        names: files.map(({ entry }) => nameOf(entry.path)),
        numbers: this.#numbers(files, held, isPlain(content) ? 0 : recordLayout.bodyAt),
        mtimesNs: BigInt64Array.from(files, ({ entry }) => mtimeNs(entry)),
        temporaryPrefix: `${this.#options.names.packPrefix}${content.header.number}-`,
      });
      const written: Written[] = [];
      for (const [i, { entry }] of files.entries()) {
        const errno = errors[i] ?? 0;
        if (errno !== 0) throw writeError(entry, this.#native.files.errnoName(errno));
        const at = stampNumbers * i;
        written.push({ entry, stamp: { dev: stamps[at] ?? 0n, ino: stamps[at + 1] ?? 0n } });
      }
      return written;
    } catch (cause) {
      throw cause instanceof XferError ? cause : fileError(cause, 'cannot write small files');
    } finally {
      for (const { release } of held.values()) release();
    }
  }

  #numbers(
    files: readonly PackedEntry[],
    held: ReadonlyMap<string, HeldDirectory>,
    bodyAt: number,
  ): Float64Array {
    const numbers = new Float64Array(jobNumbers * files.length);
    files.forEach(({ entry, packed }, i) => {
      const directory = held.get(parentOf(entry.path))?.fd ?? -1;
      const { at, bytes = 0 } = packed;
      const place = bodyAt + at;
      const { uid = -1, gid = -1 } = (this.#options.metadata.owners && entry.owner) || {};
      const replace = this.#options.replaces(entry.path) ? 1 : 0;
      numbers.set([directory, place, bytes, entry.mode, uid, gid, replace], jobNumbers * i);
    });
    return numbers;
  }

  async #holdAll(files: readonly PackedEntry[]): Promise<ReadonlyMap<string, HeldDirectory>> {
    const held = new Map<string, HeldDirectory>();
    try {
      for (const { entry } of files) {
        const parent = parentOf(entry.path);
        if (held.has(parent)) continue;
        const directory = await this.#options.directories.acquire(parent).catch((cause: unknown) => {
          throw fileError(cause, `cannot write ${printable(entry.path)}`);
        });
        held.set(parent, directory);
      }
      return held;
    } catch (error) {
      for (const { release } of held.values()) release();
      throw error;
    }
  }
}

const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

const mtimeNs = (entry: ManifestEntry) =>
  BigInt(entry.mtimeSeconds) * 1_000_000_000n + BigInt(entry.mtimeNanoseconds);

function writeError(entry: ManifestEntry, code: string): XferError {
  return fileError(Object.assign(new Error(code), { code }), `cannot write ${printable(entry.path)}`);
}
