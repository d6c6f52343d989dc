import { execFileSync } from 'node:child_process';
import { readdir, readlink, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { closeSource, isUnchanged, openSource } from '../../../src/transfer/open-source.js';
import { scan } from '../../../src/transfer/scan.js';
import type { SourceEntry } from '../../../src/transfer/source-entry.js';
import { SourceQueue } from '../../../src/transfer/source-queue.js';
import { failure } from './rogue-kit.js';
import { temporaryDirectory } from './transfer-kit.js';

async function listed(name = 'file', content = 'content'): Promise<SourceEntry> {
  const path = join(await temporaryDirectory(), name);
  await writeFile(path, content);
  for await (const [entry] of scan([path], { onProblem: () => undefined })) if (entry) return entry;
  throw new Error('nothing was listed');
}

const changes: [string, (path: string) => Promise<unknown>][] = [
  ['grew', (path) => writeFile(path, 'more', { flag: 'a' })],
  ['shrank', (path) => truncate(path, 2)],
  ['was written to', (path) => writeFile(path, 'CONTENT', { flag: 'r+' })],
  ['was given another time', (path) => utimes(path, 1, 1)],
];

describe('a file to send', () => {
  it('is open until it is closed, and unchanged', async () => {
    const source = await openSource(await listed());
    expect((await source.handle.readFile()).toString()).toBe('content');
    await closeSource(source);
    expect(source.handle.fd).toBe(-1);
  });

  it.each(changes)('is refused where it %s since it was listed', async (_, change) => {
    const entry = await listed();
    await change(entry.source);
    await expect(openSource(entry)).rejects.toEqual(failure('ERR_XFER_FILE_CHANGED'));
  });

  it.each(changes)('is known not to be what it was where it %s while it was read', async (_, change) => {
    const entry = await listed();
    const source = await openSource(entry);
    expect(await isUnchanged(source)).toBe(true);
    await change(entry.source);
    expect(await isUnchanged(source)).toBe(false);
    await closeSource(source);
    expect(source.handle.fd).toBe(-1);
  });

  it.each<[string, (path: string) => unknown, string]>([
    ['nothing', () => undefined, 'ERR_XFER_NOT_FOUND'],
    ['a pipe that nobody writes to', (path) => execFileSync('mkfifo', [path]), 'ERR_XFER_FILE_CHANGED'],
    ['another file', (path) => writeFile(path, 'content'), 'ERR_XFER_FILE_CHANGED'],
    ['a link to a secret', (path) => symlink('/etc/passwd', path), 'ERR_XFER_FILE_CHANGED'],
  ])('is refused where %s has taken its place', async (_, put, code) => {
    const entry = await listed();
    await rename(entry.source, `${entry.source}-moved`);
    await put(entry.source);
    await expect(openSource(entry)).rejects.toEqual(failure(code));
  });
});

describe('files opened ahead', () => {
  const mostOpen = 16;

  it('come out open, each once, and those that cannot be opened are named', async () => {
    const [good, gone] = [await listed(), await listed('gone')];
    await rm(gone.source);
    const [onReady, onFailed] = [vi.fn(), vi.fn()];
    const queue = new SourceQueue({ onReady, onFailed });
    queue.push(good);
    queue.push(gone);
    await vi.waitFor(() => expect([onReady.mock.calls.length, onFailed.mock.calls.length]).toEqual([1, 1]));
    expect(onFailed).toHaveBeenCalledWith(gone, failure('ERR_XFER_NOT_FOUND'));
    const source = queue.shift();
    expect([source?.entry, queue.shift(), queue.isEmpty]).toEqual([good, undefined, false]);
    await source?.handle.close();
    queue.release();
    expect(queue.isEmpty).toBe(true);
  });

  it('come out in the order in which they were pushed, whichever opens first', async () => {
    const entries = [
      await listed('a', 'x'.repeat(9)),
      await listed('gone'),
      await listed('b'),
      await listed('c'),
    ];
    await rm(entries[1]!.source);
    for (let round = 0; round < 20; round++) {
      const got: SourceEntry[] = [];
      await new Promise<void>((resolve) => {
        const take = () => {
          for (let source = queue.shift(); source; source = queue.shift()) {
            got.push(source.entry);
            void source.handle.close();
          }
          if (got.length === 3) resolve();
        };
        const queue = new SourceQueue({ onReady: take, onFailed: () => undefined });
        for (const entry of entries) queue.push(entry);
      });
      expect(got).toEqual([entries[0], entries[2], entries[3]]);
    }
  });

  it('are so many at most, those that are read included', async () => {
    const entry = await listed();
    const onReady = vi.fn();
    const queue = new SourceQueue({ onReady, onFailed: vi.fn() });
    for (let n = 0; n < mostOpen; n++) {
      expect(queue.hasRoom).toBe(true);
      queue.push(entry);
    }
    expect(queue.hasRoom).toBe(false);
    await vi.waitFor(() => expect(onReady).toHaveBeenCalledTimes(mostOpen));
    const source = queue.shift();
    expect(queue.hasRoom).toBe(false);
    await source?.handle.close();
    queue.release();
    expect(queue.hasRoom).toBe(true);
    queue.close();
  });

  it('are closed with the queue, whether open or opening', async () => {
    const entry = await listed();
    const [onReady, onFailed] = [vi.fn(), vi.fn()];
    const queue = new SourceQueue({ onReady, onFailed });
    const before = await openFilesAt(entry.source);
    queue.push(entry);
    await vi.waitFor(() => expect(onReady).toHaveBeenCalledOnce());
    queue.push(entry);
    queue.close();
    await vi.waitFor(async () => expect(await openFilesAt(entry.source)).toBe(before));
    expect([onReady.mock.calls.length, onFailed.mock.calls.length, queue.shift()]).toEqual([1, 0, undefined]);
  });
});

/** How many descriptors of this process are of that file. */
async function openFilesAt(path: string): Promise<number> {
  const numbers = await readdir('/proc/self/fd');
  const targets = await Promise.all(numbers.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return targets.filter((target) => target === path).length;
}
