import { constants, type BigIntStats } from 'node:fs';
import {
  packedChanged,
  recordLayout,
  type PackedDone,
  type PackFilesJob,
  type SealPackedJob,
} from './api.js';
import {
  requireBigInts,
  requireBodyBytes,
  requireBytes,
  requireFunction,
  requireHeader,
  requireKey,
  requireTexts,
} from './arguments.js';
import { errnoError, errnoOf } from './errno-name.js';
import { close, exactStat, open, read } from './file-calls.js';
import { keptKey, sealInPlace } from './record-cipher.js';
import { timed, timing } from './stage-clock.js';

const { bodyAt, overheadBytes } = recordLayout;
const countBytes = 4;
const entryBytes = 8;
const maxFileBytes = 2n ** 20n;
const maxId = 2n ** 32n - 1n;
const notRead = 0xffffffff;

interface PackedFile {
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly id: number;
}

export function sealPacked(job: SealPackedJob, done: PackedDone): void {
  requireKey(job);
  const files = filesOf(job);
  requireHeader(job.header);
  requireBytes(job.out, 'out');
  requireFunction(done, 'done');
  const mostBytes = mostBytesOf(files);
  const { out } = job;
  if (out.length < overheadBytes + mostBytes) throw new RangeError('out is too small for the record');
  const key = keptKey(job);
  const header = Uint8Array.from(job.header);
  packThen(files, out.subarray(bodyAt), done, (bodyBytes) =>
    timed('sealMs', () => sealInPlace(key, header, out, bodyBytes)),
  );
}

export function packFiles(job: PackFilesJob, done: PackedDone): void {
  const files = filesOf(job);
  requireBytes(job.out, 'out');
  requireFunction(done, 'done');
  const { out } = job;
  if (out.length < mostBytesOf(files)) throw new RangeError('out is too small for the files');
  packThen(files, out, done, () => undefined);
}

/** What they take at most. Throws RangeError where that is too much for a record. */
function mostBytesOf(files: readonly PackedFile[]): number {
  const bytes = countBytes + entryBytes * files.length + files.reduce((sum, { size }) => sum + size, 0);
  requireBodyBytes(bytes);
  return bytes;
}

function packThen(
  files: readonly PackedFile[],
  body: Uint8Array,
  done: PackedDone,
  then: (bodyBytes: number) => void,
): void {
  const problems = new Int32Array(files.length);
  const isRead = timing('readMs');
  pack(files, body, problems).then(
    (bodyBytes) => {
      isRead();
      then(bodyBytes);
      // Not within the promise: what `done` throws is the process's matter.
      setImmediate(done, null, bodyBytes, problems);
    },
    (error: unknown) => {
      setImmediate(done, error as NodeJS.ErrnoException, 0, new Int32Array());
    },
  );
}

function filesOf({ paths, stamps }: Pick<SealPackedJob, 'paths' | 'stamps'>): readonly PackedFile[] {
  requireTexts(paths, 'paths');
  requireBigInts(stamps, 'stamps');
  if (stamps.length !== 6 * paths.length) throw new RangeError('stamps must be six a file');
  return paths.map((path, i) => {
    const at = (column: number): bigint => stamps[6 * i + column] ?? 0n;
    const size = at(2);
    const id = at(5);
    if (size < 0n || size > maxFileBytes)
      throw new RangeError('the size of a packed file must be from 0 to 2^20');
    if (id < 0n || id > maxId) throw new RangeError('the id of a packed file must fit in 32 bits');
    return {
      path,
      dev: at(0),
      ino: at(1),
      size: Number(size),
      mtimeNs: at(3),
      ctimeNs: at(4),
      id: Number(id),
    };
  });
}

/** Fills `body` and `problems`; the bytes that the body took. */
async function pack(files: readonly PackedFile[], body: Uint8Array, problems: Int32Array): Promise<number> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  view.setUint32(0, files.length);
  let end = countBytes + entryBytes * files.length;
  for (const [i, file] of files.entries()) {
    const problem = await readStamped(file, body.subarray(end, end + file.size));
    problems[i] = problem;
    const entry = countBytes + entryBytes * i;
    view.setUint32(entry, file.id);
    view.setUint32(entry + 4, problem === 0 ? file.size : notRead);
    if (problem === 0) end += file.size;
  }
  return end;
}

async function readStamped(file: PackedFile, to: Uint8Array): Promise<number> {
  try {
    if (file.path.includes('\0')) throw errnoError('EINVAL', 'open');
    const fd = await open(file.path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return (await readOpen(fd, file, to)) ? 0 : packedChanged;
    } finally {
      await close(fd);
    }
  } catch (error) {
    return errnoOf(error);
  }
}

/** False where the file is not, or does not stay, what its stamp says. */
async function readOpen(fd: number, file: PackedFile, to: Uint8Array): Promise<boolean> {
  if (!isAsStamped(await exactStat(fd), file)) return false;
  for (let bytes = 0; bytes < to.length;) {
    const { bytesRead } = await read(fd, to, bytes, to.length - bytes, bytes);
    if (bytesRead === 0) return false;
    bytes += bytesRead;
  }
  return isAsStamped(await exactStat(fd), file);
}

function isAsStamped(found: BigIntStats, file: PackedFile): boolean {
  return (
    found.isFile() &&
    BigInt.asIntN(64, found.dev) === file.dev &&
    BigInt.asIntN(64, found.ino) === file.ino &&
    found.size === BigInt(file.size) &&
    found.mtimeNs === file.mtimeNs &&
    found.ctimeNs === file.ctimeNs
  );
}
