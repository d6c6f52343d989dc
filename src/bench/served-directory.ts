import { execFile } from 'node:child_process';
import { stat, statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import { benchDefaults } from '../config/index.js';
import { fileError, XferError } from '../errors/index.js';
import { ownDirectory, type BenchDirectory } from './directory.js';
import type { TransferRequest } from './transfers-message.js';

/** Of what is free, bytes and files. */
const mostShareOfSpace = 1 / 2;
const pageBytes = 4096;
const removalMs = 120_000;

/** Names that a transfer brings: files, and directories of a hundred of them and the one around those. */
export function entriesOf(request: TransferRequest): number {
  if (request.pattern !== 'small-files') return 1;
  return request.count + Math.ceil(request.count / benchDefaults.filesInDirectory) + 1;
}

/** One in there for a transfer, whose room was looked at. Rejects with ERR_XFER_LIMIT where it is too much, or as a file operation does. */
export async function servedDirectory(parent: string, request: TransferRequest): Promise<BenchDirectory> {
  const about = await statfs(parent).catch((cause: unknown) => {
    throw fileError(cause, 'nothing can be written there');
  });
  const bytes = Math.floor(about.bavail * about.bsize * mostShareOfSpace);
  // Some file systems make files as long as there are bytes, and say 0.
  const files = about.files > 0 ? Math.floor(about.ffree * mostShareOfSpace) : Infinity;
  const [wanted, entries] = [wantedBytes(request), entriesOf(request)];
  if (wanted > bytes || entries > files)
    throw new XferError(
      'ERR_XFER_LIMIT',
      `the other end takes ${bytes} bytes in ${files} files, and this is ${wanted} in ${entries}`,
      { remedy: 'less at once, or --files in a larger file system there' },
    );
  return ownDirectory(parent);
}

/**
 * Removes it with whatever a stranger has put there: directories that nobody may enter, paths longer than the system takes.
 * Whether it is gone. Does not reject.
 */
export async function removeServed({ path, remove }: BenchDirectory): Promise<boolean> {
  await remove();
  if (!(await isThere(path))) return true;
  const run = (command: string, ...args: string[]): Promise<unknown> =>
    promisify(execFile)(command, [...args, '--', path], { timeout: removalMs }).catch(() => undefined);
  await run('chmod', '-R', 'u+rwx');
  await run('rm', '-rf');
  return !(await isThere(path));
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** In memory the smallest file takes a page, as a directory does. */
function wantedBytes(request: TransferRequest): number {
  if (request.pattern === 'file') return request.bytes;
  if (request.pattern === 'small-files') {
    const directories = entriesOf(request) - request.count;
    return Math.ceil(request.bytes / pageBytes) * pageBytes * request.count + directories * pageBytes;
  }
  return (request.keptBytes ?? 0) + (request.sent?.sourceBytes ?? 0);
}
