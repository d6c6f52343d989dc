import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { badNames, codeOf, heldTree, notOpen, type HeldTree } from './held-tree.js';
import { describeBoth } from './implementations.js';

const isRoot = process.getuid?.() === 0;

describeBoth('entries that are there already', ({ files }) => {
  let tree: HeldTree;
  let root: number;
  const inside = (name: string): string => join(tree.inside, name);
  const inode = (name: string): number => fs.lstatSync(inside(name)).ino;

  beforeEach(async () => {
    tree = await heldTree(files);
    root = tree.root;
  });

  const linking = (change: object = {}): Parameters<typeof files.makeHardLink>[0] => ({
    fromDirectory: root,
    from: 'file',
    directory: root,
    temporary: '.temporary',
    name: 'new',
    replace: false,
    ...change,
  });

  it.each(badNames)('take no name like %j', async (name) => {
    expect(await codeOf(files.openExisting(root, name))).toBe('EINVAL');
    expect(await codeOf(files.removeDirectory(root, name))).toBe('EINVAL');
    expect(await codeOf(files.setLinkOwner(root, name, -1, -1))).toBe('EINVAL');
    expect(await codeOf(files.stampAt(root, name))).toBe('EINVAL');
    for (const change of [{ from: name }, { temporary: name }, { name }]) {
      expect(await codeOf(files.makeHardLink(linking(change)))).toBe('EINVAL');
    }
    expect(fs.readdirSync(tree.inside)).not.toContain('.temporary');
  });

  describe('openExisting', () => {
    it('opens a file for reading and writing and changes nothing', async () => {
      const fd = await files.openExisting(root, 'file');
      expect(fs.readFileSync(fd, 'utf8')).toBe('old');
      fs.writeSync(fd, 'N', 0);
      await files.close(fd);
      expect(fs.readFileSync(inside('file'), 'utf8')).toBe('Nld');
    });

    it.each([
      ['link', 'ELOOP'],
      ['filelink', 'ELOOP'],
      ['dangling', 'ELOOP'],
      ['sub', 'EISDIR'],
      ['fifo', 'EINVAL'],
      ['none', 'ENOENT'],
    ])('refuses %s with %s', async (name, code) => {
      expect(await codeOf(files.openExisting(root, name))).toBe(code);
      expect(fs.existsSync(inside('nowhere'))).toBe(false);
    });

    it('stays in the directory that a link has taken the place of', async () => {
      fs.writeFileSync(inside('sub/secret'), 'ours');
      const held = await files.openDirectory(root, 'sub');
      onTestFinished(() => files.close(held));
      fs.renameSync(inside('sub'), inside('moved'));
      fs.symlinkSync(tree.outside, inside('sub'));
      const fd = await files.openExisting(held, 'secret');
      expect(fs.readFileSync(fd, 'utf8')).toBe('ours');
      await files.close(fd);
      await files.makeHardLink(linking({ directory: held, name: 'made' }));
      expect(await files.removeDirectory(held, 'deep')).toBe(true);
      expect(fs.readdirSync(inside('moved')).sort()).toEqual(['made', 'secret']);
      expect(fs.readdirSync(tree.outside)).toEqual(['secret']);
    });
  });

  describe('removeDirectory', () => {
    it('removes an empty directory, once', async () => {
      fs.mkdirSync(inside('empty'));
      expect(await files.removeDirectory(root, 'empty')).toBe(true);
      expect(await files.removeDirectory(root, 'empty')).toBe(false);
    });

    it.each([
      ['sub', 'ENOTEMPTY'],
      ['file', 'ENOTDIR'],
      ['link', 'ENOTDIR'],
      ['filelink', 'ENOTDIR'],
      ['dangling', 'ENOTDIR'],
      ['fifo', 'ENOTDIR'],
    ])('leaves %s alone with %s', async (name, code) => {
      const before = inode(name);
      expect(await codeOf(files.removeDirectory(root, name))).toBe(code);
      expect(inode(name)).toBe(before);
      expect(fs.readdirSync(tree.outside)).toEqual(['secret']);
    });
  });

  describe('makeHardLink', () => {
    it('gives a file another name, in another directory too', async () => {
      const sub = await files.openDirectory(root, 'sub');
      onTestFinished(() => files.close(sub));
      await files.makeHardLink(linking());
      await files.makeHardLink(linking({ directory: sub }));
      expect([inode('new'), inode('sub/new')]).toEqual([inode('file'), inode('file')]);
      expect(fs.readdirSync(tree.inside)).not.toContain('.temporary');
    });

    it.each(['filelink', 'link', 'dangling', 'fifo'])('replaces %s only when told', async (name) => {
      const before = inode(name);
      expect(await codeOf(files.makeHardLink(linking({ name })))).toBe('EEXIST');
      expect(inode(name)).toBe(before);
      expect(fs.existsSync(inside('.temporary'))).toBe(false);
      await files.makeHardLink(linking({ name, replace: true }));
      expect(inode(name)).toBe(inode('file'));
      expect(fs.readFileSync(join(tree.outside, 'secret'), 'utf8')).toBe('secret');
      expect(fs.existsSync(inside('.temporary'))).toBe(false);
    });

    it('leaves no second name where the link is there already', async () => {
      await files.makeHardLink(linking());
      await files.makeHardLink(linking({ replace: true }));
      expect(fs.lstatSync(inside('file')).nlink).toBe(2);
      expect(fs.existsSync(inside('.temporary'))).toBe(false);
      expect(await codeOf(files.makeHardLink(linking()))).toBe('EEXIST');
      expect(fs.existsSync(inside('.temporary'))).toBe(false);
    });

    it('links a link itself, never its target', async () => {
      await files.makeHardLink(linking({ from: 'filelink' }));
      expect(fs.lstatSync(inside('new')).isSymbolicLink()).toBe(true);
      expect(fs.statSync(join(tree.outside, 'secret')).nlink).toBe(1);
    });

    it.each([
      [{ from: 'none' }, 'ENOENT'],
      [{ from: 'sub' }, 'EPERM'],
      [{ name: 'sub', replace: true }, 'EISDIR'],
      [{ name: 'sub' }, 'EISDIR'],
      [{ temporary: 'link' }, 'EEXIST'],
      [{ temporary: 'new' }, 'EINVAL'],
      [{ fromDirectory: notOpen }, 'EBADF'],
      [{ directory: notOpen }, 'EBADF'],
      [{ replace: 1 }, 'TypeError'],
      [{ from: null }, 'TypeError'],
      [{ directory: -1 }, 'RangeError'],
    ])('refuses %j with %s and leaves nothing behind', async (change, code) => {
      const before = fs.readdirSync(tree.inside);
      expect(await codeOf(files.makeHardLink(linking(change)))).toBe(code);
      expect(fs.readdirSync(tree.inside)).toEqual(before);
      expect(fs.lstatSync(inside('link')).isSymbolicLink()).toBe(true);
    });
  });

  describe('owners', () => {
    it('stay as they are with -1', async () => {
      const fd = await files.openExisting(root, 'file');
      onTestFinished(() => files.close(fd));
      const before = fs.fstatSync(fd);
      await files.setOwner(fd, -1, -1);
      await files.setLinkOwner(root, 'file', -1, -1);
      expect([fs.fstatSync(fd).uid, fs.fstatSync(fd).gid]).toEqual([before.uid, before.gid]);
    });

    it.runIf(isRoot)('are set as root, of a link itself (NOT TESTED without root)', async () => {
      const fd = await files.openExisting(root, 'file');
      onTestFinished(() => files.close(fd));
      await files.setOwner(fd, 12, -1);
      await files.setOwner(fd, -1, 2 ** 32 - 2);
      expect([fs.fstatSync(fd).uid, fs.fstatSync(fd).gid]).toEqual([12, 2 ** 32 - 2]);
      await files.setLinkOwner(root, 'filelink', 34, 56);
      const link = fs.lstatSync(inside('filelink'));
      expect([link.uid, link.gid]).toEqual([34, 56]);
      expect(fs.statSync(join(tree.outside, 'secret')).uid).toBe(0);
    });

    it.runIf(!isRoot)('are refused without root (NOT TESTED as root)', async () => {
      const fd = await files.openExisting(root, 'file');
      onTestFinished(() => files.close(fd));
      expect(await codeOf(files.setOwner(fd, 0, -1))).toBe('EPERM');
      expect(await codeOf(files.setLinkOwner(root, 'link', 0, -1))).toBe('EPERM');
    });

    it('are ids or -1', async () => {
      for (const id of [-2, 2 ** 32 - 1, 1.5, NaN, '0', undefined, 0n] as number[]) {
        expect(await codeOf(files.setOwner(0, id, -1))).toMatch(/^(Type|Range)Error$/);
        expect(await codeOf(files.setLinkOwner(root, 'file', -1, id))).toMatch(/^(Type|Range)Error$/);
      }
      expect(await codeOf(files.setOwner(notOpen, -1, -1))).toBe('EBADF');
      expect(await codeOf(files.setLinkOwner(notOpen, 'file', -1, -1))).toBe('EBADF');
      expect(await codeOf(files.setLinkOwner(root, 'none', -1, -1))).toBe('ENOENT');
    });
  });
});
