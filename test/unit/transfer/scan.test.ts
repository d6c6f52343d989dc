import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { transferDefaults } from '../../../src/config/index.js';
import type { XferError } from '../../../src/errors/index.js';
import { entryBytes, entryKind } from '../../../src/transfer/entry-codec.js';
import { checkGiven } from '../../../src/transfer/given-paths.js';
import { scan } from '../../../src/transfer/scan.js';
import type { SourceEntry } from '../../../src/transfer/source-entry.js';
import { failure } from './rogue-kit.js';
import { temporaryDirectory } from './transfer-kit.js';

const isRoot = process.getuid?.() === 0;
const kinds = ['file', 'directory', 'link'];
const shown = (entries: readonly SourceEntry[]) =>
  entries.map(({ path, kind }) => `${path} ${kinds[kind] ?? ''}`);

async function scanned(...paths: string[]) {
  const problems: XferError[] = [];
  const batches: SourceEntry[][] = [];
  for await (const batch of scan(paths, { onProblem: (error) => problems.push(error) })) batches.push(batch);
  return { problems, batches, entries: batches.flat() };
}

async function listen(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
}

describe('a scan', () => {
  it('lists a tree in order, a directory before what is in it, empty ones too', async () => {
    const top = await temporaryDirectory();
    await mkdir(join(top, 'd', 'b', 'empty'), { recursive: true });
    await mkdir(join(top, 'd', 'a'));
    await writeFile(join(top, 'd', 'a', 'file'), 'content');
    await writeFile(join(top, 'd', 'c'), '');
    await symlink('c', join(top, 'd', 'z'));
    const { entries, problems } = await scanned(join(top, 'd'));
    expect(shown(entries)).toEqual([
      'd directory',
      'd/a directory',
      'd/b directory',
      'd/c file',
      'd/z link',
      'd/a/file file',
      'd/b/empty directory',
    ]);
    expect(entries.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(entries.map(({ size }) => size)).toEqual([0, 0, 0, 0, 0, 7, 0]);
    expect(problems).toEqual([]);
  });

  it('sends links below as they are, wherever they lead, and never goes through them', async () => {
    const top = await temporaryDirectory();
    await mkdir(join(top, 'd'));
    await symlink('.', join(top, 'd', 'itself'));
    await symlink('nowhere', join(top, 'd', 'dangling'));
    await symlink('/etc', join(top, 'd', 'out'));
    const { entries, problems } = await scanned(join(top, 'd'));
    expect(entries.map(({ path, target }) => `${path}>${target}`)).toEqual([
      'd>',
      'd/dangling>nowhere',
      'd/itself>.',
      'd/out>/etc',
    ]);
    expect(problems).toEqual([]);
  });

  it('follows a link that is given, under its own name', async () => {
    const top = await temporaryDirectory();
    await mkdir(join(top, 'real'));
    await writeFile(join(top, 'real', 'file'), '');
    await symlink('real', join(top, 'given'));
    await symlink('real/file', join(top, 'to-file'));
    const { entries } = await scanned(join(top, 'given'), join(top, 'to-file'));
    expect(shown(entries)).toEqual(['given directory', 'given/file file', 'to-file file']);
  });

  it('goes on without what is neither file, directory nor link', async () => {
    const top = await temporaryDirectory();
    execFileSync('mkfifo', [join(top, 'fifo')]);
    await listen(join(top, 'socket'));
    await writeFile(join(top, 'rest'), '');
    const { entries, problems } = await scanned(top);
    expect(entries.slice(1).map(({ path }) => path.split('/')[1])).toEqual(['rest']);
    expect(problems).toEqual([failure('ERR_XFER_UNSUPPORTED_FILE'), failure('ERR_XFER_UNSUPPORTED_FILE')]);
  });

  it.skipIf(isRoot)('goes on without a directory that it may not list (root may list all)', async () => {
    const top = await temporaryDirectory();
    await mkdir(join(top, 'closed'), { mode: 0 });
    onTestFinished(() => chmod(join(top, 'closed'), 0o700));
    await writeFile(join(top, 'rest'), '');
    const { entries, problems } = await scanned(top);
    expect(entries).toHaveLength(3);
    expect(problems).toEqual([failure('ERR_XFER_PERMISSION')]);
  });

  it('goes on without what vanished since its directory was listed', async () => {
    const top = await temporaryDirectory();
    for (const name of ['a', 'b']) await mkdir(join(top, name));
    const problems: XferError[] = [];
    const listing = scan([top, join(top, 'a')], { onProblem: (error) => problems.push(error) });
    await rm(join(top, 'b'), { recursive: true });
    const { value } = await listing.next();
    expect((value as SourceEntry[]).map(({ path }) => path.split('/')[1])).toEqual([
      undefined,
      'a',
      undefined,
    ]);
    expect(problems).toEqual([]);
  });

  it('keeps mode and time, before 1970 too, and no bits but those of permission', async () => {
    const top = await temporaryDirectory();
    const path = join(top, 'old');
    await writeFile(path, '');
    await chmod(path, 0o4755);
    execFileSync('touch', ['-d', '@-1.25', path]);
    const { entries } = await scanned(path);
    expect(entries).toEqual([
      expect.objectContaining({ mode: 0o755, mtimeSeconds: -2, mtimeNanoseconds: 750_000_000 }),
    ]);
  });

  it('makes batches of so many entries at most', async () => {
    const top = await temporaryDirectory();
    const most = transferDefaults.manifestBatchEntries;
    await Promise.all(Array.from({ length: most + 1 }, (_, n) => writeFile(join(top, `${n}`), '')));
    const { batches } = await scanned(top);
    expect(batches.map((batch) => batch.length)).toEqual([most, 2]);
  });

  it('makes batches of so many bytes at most', async () => {
    const top = await temporaryDirectory();
    const name = 'n'.repeat(240);
    await Promise.all(Array.from({ length: 300 }, (_, n) => writeFile(join(top, `${name}${n}`), '')));
    const { batches } = await scanned(top);
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.flat()).toHaveLength(301);
    for (const batch of batches)
      expect(batch.reduce((sum, entry) => sum + entryBytes(entry), 0)).toBeLessThanOrEqual(
        transferDefaults.manifestBatchBytes,
      );
  });

  it('rejects for a given path that is not there', async () => {
    await expect(scanned('/nowhere/at/all')).rejects.toEqual(failure('ERR_XFER_NOT_FOUND'));
  });
});

describe('given paths', () => {
  it('are checked before anything is dialled', async () => {
    const top = await temporaryDirectory();
    await writeFile(join(top, 'a'), '');
    execFileSync('mkfifo', [join(top, 'fifo')]);
    await expect(checkGiven([join(top, 'a')])).resolves.toBeUndefined();
    await expect(checkGiven([join(top, 'none')])).rejects.toEqual(failure('ERR_XFER_NOT_FOUND'));
    await expect(checkGiven([join(top, 'fifo')])).rejects.toEqual(failure('ERR_XFER_UNSUPPORTED_FILE'));
    await expect(checkGiven(['/'])).rejects.toEqual(failure('ERR_XFER_USAGE'));
  });

  it('may not arrive under one name', async () => {
    const top = await temporaryDirectory();
    for (const name of ['x', 'y']) await mkdir(join(top, name, 'same'), { recursive: true });
    await expect(checkGiven([join(top, 'x/same'), join(top, 'y/same/')])).rejects.toEqual(
      failure('ERR_XFER_USAGE'),
    );
  });

  it('have a kind each', async () => {
    const top = await temporaryDirectory();
    const { entries } = await scanned(top);
    expect(entries.map(({ kind }) => kind)).toEqual([entryKind.directory]);
  });
});
