import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { codeOf, heldTree, notOpen } from './held-tree.js';
import { addon, describeBoth, twin, type Implementation } from './implementations.js';
import { temporaryFile } from './seal-jobs.js';

const lockHolder = fileURLToPath(new URL('fixtures/lock-holder.cjs', import.meta.url));

describeBoth('stamps', ({ files }) => {
  it('are what stat says, links not followed', async () => {
    const { inside, root } = await heldTree(files);
    fs.linkSync(join(inside, 'file'), join(inside, 'second'));
    for (const name of ['file', 'sub', 'link', 'dangling', 'fifo']) {
      const stamp = await files.stampAt(root, name);
      const found = fs.lstatSync(join(inside, name), { bigint: true });
      expect(stamp).toEqual({
        dev: found.dev,
        ino: found.ino,
        size: Number(found.size),
        mtimeNs: found.mtimeNs,
        ctimeNs: found.ctimeNs,
        mode: Number(found.mode),
        links: Number(found.nlink),
      });
    }
    expect(await files.stampAt(root, 'none')).toBeUndefined();
    const fd = await files.openExisting(root, 'file');
    onTestFinished(() => files.close(fd));
    expect(await files.stampOf(fd)).toEqual(await files.stampAt(root, 'file'));
    expect((await files.stampOf(fd)).links).toBe(2);
  });

  it('differ after a change that keeps size and modification time', async () => {
    const { fd } = temporaryFile(Buffer.from('abc'));
    const before = await files.stampOf(fd);
    await vi.waitFor(async () => {
      fs.writeSync(fd, 'xyz', 0);
      fs.futimesSync(fd, 0, Number(before.mtimeNs / 1_000_000_000n));
      expect((await files.stampOf(fd)).ctimeNs).not.toBe(before.ctimeNs);
    });
  });
});

describeBoth('room and safety on disk', ({ name: implementation, files }) => {
  it('syncs files, directories and, with the addon, file systems', async () => {
    const { root } = await heldTree(files);
    const fd = await files.openExisting(root, 'file');
    onTestFinished(() => files.close(fd));
    await files.syncData(fd);
    await files.syncDirectory(root);
    const hasCall = implementation === 'addon' && process.platform === 'linux';
    expect(await files.syncFileSystem(root)).toBe(hasCall);
  });

  it('allocates what truncate takes back', async () => {
    const target = temporaryFile(Buffer.from('abc'));
    const allocated = await files.allocate(target.fd, 2 ** 20);
    expect(implementation === 'twin' && allocated).toBe(false);
    if (allocated) expect(fs.fstatSync(target.fd).size).toBe(2 ** 20);
    await files.truncate(target.fd, 2);
    expect(target.content().toString()).toBe('ab');
    await files.truncate(target.fd, 4);
    expect(target.content().toString()).toBe('ab\0\0');
    expect(await files.allocate(target.fd, 0)).toBe(true);
  });

  it('knows what is free', async () => {
    const { inside, root } = await heldTree(files);
    const { blocks, bsize } = fs.statfsSync(inside);
    const free = await files.freeBytes(root);
    expect(Number.isInteger(free)).toBe(true);
    expect([free > 0, free <= blocks * bsize]).toEqual([true, true]);
  });

  it('says EBADF of descriptors that are not open, and refuses wrong arguments', async () => {
    const calls = (fd: number): Promise<unknown>[] => [
      files.stampOf(fd),
      files.stampAt(fd, 'file'),
      files.openExisting(fd, 'file'),
      files.removeDirectory(fd, 'file'),
      files.syncData(fd),
      files.syncDirectory(fd),
      files.syncFileSystem(fd),
      files.allocate(fd, 1),
      files.truncate(fd, 1),
      files.freeBytes(fd),
      files.lock(fd),
    ];
    const codes = await Promise.all(calls(notOpen).map(codeOf));
    expect(codes).toEqual(codes.map(() => 'EBADF'));
    for (const wrong of [-1, 1.5, '1', undefined, 2 ** 31] as number[]) {
      for (const code of await Promise.all(calls(wrong).map(codeOf)))
        expect(code).toMatch(/^(Type|Range)Error$/);
    }
    for (const bytes of [-1, 2 ** 53, 0.5, '1', 1n] as number[]) {
      expect(await codeOf(files.truncate(0, bytes))).toMatch(/^(Type|Range)Error$/);
      expect(await codeOf(files.allocate(0, bytes))).toMatch(/^(Type|Range)Error$/);
    }
  });
});

const implementations = [twin, addon].filter((one): one is Implementation => one !== undefined);
const pairs = implementations.flatMap((one) => implementations.map((other) => [one, other] as const));

describe.each(pairs)('a lock', ({ name, files }, other) => {
  it(`of the ${name} keeps the ${other.name} out until the descriptor is closed`, async () => {
    const { root } = await heldTree(files);
    const [first, second] = await Promise.all([
      files.openExisting(root, 'file'),
      files.openExisting(root, 'file'),
    ]);
    onTestFinished(() => other.files.close(second));
    expect(await files.lock(first)).toBe(true);
    expect(await files.lock(first)).toBe(true);
    expect(await other.files.lock(second)).toBe(false);
    await files.close(first);
    expect(await other.files.lock(second)).toBe(true);
  });
});

describeBoth('a lock of another process', ({ files }) => {
  it('is gone when that is killed', async () => {
    const { inside, root } = await heldTree(files);
    const holder = spawn(process.execPath, [lockHolder, join(inside, 'file')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    const fd = await files.openExisting(root, 'file');
    onTestFinished(() => files.close(fd));
    expect(await files.lock(fd)).toBe(false);
    holder.kill('SIGKILL');
    await once(holder, 'close');
    expect(await files.lock(fd)).toBe(true);
  });
});
