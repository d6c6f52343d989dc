import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lchown,
  link,
  lstat,
  mkdir,
  open,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { nativeApi } from '../../src/native/index.js';
import { attributesOf, hasAttributes, setAttribute, setMtime, tellsHoles } from '../support/file-system.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { transferred, type Leg } from '../support/transfer.js';
import { transferredHere } from '../support/commands-here.js';

const MiB = 2 ** 20;
const isRoot = process.getuid?.() === 0;
/** Nanoseconds; without the addon times are kept to the microsecond. */
const grain = nativeApi().kind === 'native' ? 1n : 1000n;

let work: string;
let out: string;
let tree: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  [out, tree] = [join(work, 'out'), join(work, 'tree')];
  await mkdir(tree);
});

const here = (path = '') => join(tree, path);
const there = (path = '') => join(out, 'tree', path);
const sendTree = (leg: Partial<Leg> = {}) => transferredHere({ paths: [tree], out, ...leg });
const modeOf = async (path: string) => ((await lstat(path)).mode & 0o7777).toString(8);
const mtimeOf = async (path: string) => (await lstat(path, { bigint: true })).mtimeNs / grain;

async function sparse(path: string, size: number, data: readonly number[]): Promise<void> {
  const handle = await open(path, 'w');
  for (const at of data) await handle.write(Buffer.alloc(64 * 1024, 'x'), 0, 64 * 1024, at);
  await handle.truncate(size);
  await handle.close();
}

describe('modes', () => {
  it('of files and directories arrive, whatever the umask', async () => {
    const modes = { small: 0o640, large: 0o755, open: 0o666, closed: 0o400, none: 0 };
    for (const [name, mode] of Object.entries(modes)) {
      await writeFile(here(name), Buffer.alloc(name === 'large' ? MiB : 10, 'x'));
      await chmod(here(name), mode);
    }
    await mkdir(here('directory'));
    await writeFile(here('directory/inside'), '');
    await chmod(here('directory'), 0o555);
    await transferred({ paths: [tree], out });
    for (const name of [...Object.keys(modes), 'directory'])
      expect([name, await modeOf(there(name))]).toEqual([name, await modeOf(here(name))]);
  });

  it('never bring set-user-ID or set-group-ID', async () => {
    await writeFile(here('tool'), '');
    await chmod(here('tool'), 0o6755);
    await sendTree();
    expect(await modeOf(there('tool'))).toBe('755');
  });
});

it('times of files, directories and links arrive to the nanosecond', async () => {
  await mkdir(here('directory/deep'), { recursive: true });
  const times = {
    small: '2001-02-03T04:05:06.123456789Z',
    'directory/large': '2038-01-19T03:14:08.999999999Z',
    before: '1969-12-31T23:59:58.000000001Z',
    link: '2011-11-11T11:11:11.111111111Z',
    'directory/deep': '1999-12-31T23:59:59.500000001Z',
    directory: '2020-02-29T00:00:00.000000007Z',
  };
  for (const name of ['small', 'before']) await writeFile(here(name), name);
  await writeFile(here('directory/large'), randomBytes(2 * MiB));
  await symlink('small', here('link'));
  for (const [name, time] of Object.entries(times)) setMtime(here(name), time);
  setMtime(tree, '2010-10-10T10:10:10.101010101Z');
  await sendTree();
  for (const name of [...Object.keys(times), ''])
    expect([name, await mtimeOf(there(name))]).toEqual([name, await mtimeOf(here(name))]);
  expect((await lstat(here('small'), { bigint: true })).mtimeNs).toBe(981_173_106_123_456_789n);
});

it('symbolic links arrive as links, whatever they point to below the directory', async () => {
  await mkdir(here('directory'));
  await writeFile(here('file'), 'content');
  const links = {
    'to file': 'file',
    'to directory': 'directory',
    dangling: 'nowhere',
    'directory/up': '../file',
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, here(name));
  await sendTree();
  for (const [name, target] of Object.entries(links)) expect(await readlink(there(name))).toBe(target);
});

describe('hard links', () => {
  it('are names of one file again, and its content goes once', async () => {
    await mkdir(here('directory'));
    for (const [name, bytes] of [
      ['small', 1000],
      ['large', 3 * MiB],
      ['empty', 0],
    ] as const) {
      await writeFile(here(name), randomBytes(bytes));
      await link(here(name), here(`directory/other ${name}`));
    }
    await writeFile(here('single'), 'content');
    const { sentBytes } = await sendTree();
    expect(sentBytes).toBe(1000 + 3 * MiB + 7);
    for (const name of ['small', 'large', 'empty']) {
      const [one, other] = [await stat(there(name)), await stat(there(`directory/other ${name}`))];
      expect([name, one.ino, one.nlink]).toEqual([name, other.ino, 2]);
      expect((await readFile(there(name))).equals(await readFile(here(name)))).toBe(true);
    }
    expect((await stat(there('single'))).nlink).toBe(1);
  });

  it('stay so when they are sent again, and leave nothing behind', async () => {
    await writeFile(here('one'), 'content');
    await link(here('one'), here('two'));
    for (const sendFlags of [[], ['--update'], ['--checksum']]) await sendTree({ sendFlags });
    const [one, two] = [await stat(there('one')), await stat(there('two'))];
    expect([one.ino, one.nlink]).toEqual([two.ino, 2]);
  });

  it('to what is not sent make a file of its own', async () => {
    await writeFile(join(work, 'outside'), 'content');
    await link(join(work, 'outside'), here('inside'));
    await sendTree();
    expect((await stat(there('inside'))).nlink).toBe(1);
    expect(await readFile(there('inside'), 'utf8')).toBe('content');
  });
});

describe(`sparse files${tellsHoles ? '' : ' (NOT TESTED: this file system tells no holes)'}`, () => {
  it.runIf(tellsHoles)('keep their holes, and holes are not sent', async () => {
    await sparse(here('middle'), 64 * MiB, [0, 32 * MiB]);
    await sparse(here('tail'), 16 * MiB, [8 * MiB]);
    await sparse(here('nothing'), 32 * MiB, []);
    const { done, sentBytes } = await sendTree();
    expect(done.bytes).toBe(112 * MiB);
    expect(sentBytes).toBeLessThanOrEqual(3 * 64 * 1024 + 3 * 64 * 1024);
    for (const name of ['middle', 'tail', 'nothing']) {
      const [source, copy] = [await stat(here(name)), await stat(there(name))];
      expect([name, copy.size]).toEqual([name, source.size]);
      expect(copy.blocks, name).toBeLessThanOrEqual(source.blocks + 256);
      expect((await readFile(there(name))).equals(await readFile(here(name))), name).toBe(true);
    }
  });
});

describe(`--xattrs${hasAttributes ? '' : ' (NOT TESTED: no python3, or a file system without attributes)'}`, () => {
  const value = Buffer.from([0, 1, 255, 10, 65]);

  beforeEach(async () => {
    await mkdir(here('directory'));
    await writeFile(here('small'), 'content');
    await writeFile(here('large'), randomBytes(2 * MiB));
    await writeFile(here('plain'), 'content');
    if (!hasAttributes) return;
    for (const name of ['small', 'large', 'directory']) setAttribute(here(name), 'user.xfer.test', value);
    setAttribute(here('small'), 'user.empty', Buffer.alloc(0));
  });

  it.runIf(hasAttributes)('sets those of users where both sides say so', async () => {
    if (isRoot) setAttribute(here('small'), 'trusted.xfer', value);
    await sendTree({ sendFlags: ['--xattrs'], recvFlags: ['--xattrs'] });
    const mine = { 'user.xfer.test': value.toString('hex') };
    expect(attributesOf(there('small'))).toEqual({ ...mine, 'user.empty': '' });
    expect(attributesOf(there('large'))).toEqual(mine);
    expect(attributesOf(there('directory'))).toEqual(mine);
    expect(attributesOf(there('plain'))).toEqual({});
    expect((await readFile(there('large'))).equals(await readFile(here('large')))).toBe(true);
  });

  it.runIf(hasAttributes).each([
    ['the sender', { sendFlags: ['--xattrs'] }],
    ['the receiver', { recvFlags: ['--xattrs'] }],
  ])('sets none where %s alone says so', async (_, flags) => {
    await sendTree(flags);
    for (const name of ['small', 'large', 'directory']) expect(attributesOf(there(name))).toEqual({});
  });
});

describe(`--owner${isRoot ? '' : ' (NOT TESTED: only root can give files away)'}`, () => {
  const names = ['small', 'large', 'directory', 'directory/inside', 'link'];
  const ownerOf = async (path: string) => {
    const { uid, gid } = await lstat(path);
    return [uid, gid];
  };

  beforeEach(async () => {
    await mkdir(here('directory'));
    await writeFile(here('small'), 'content');
    await writeFile(here('large'), randomBytes(2 * MiB));
    await writeFile(here('directory/inside'), '');
    await symlink('small', here('link'));
    if (!isRoot) return;
    for (const [i, name] of names.entries())
      await (name === 'link' ? lchown : chown)(here(name), 3000 + i, 4000 + i);
  });

  it.runIf(isRoot)('gives files, directories and links the owners that they had', async () => {
    await sendTree({ sendFlags: ['--owner'], recvFlags: ['--owner'] });
    for (const [i, name] of names.entries())
      expect([name, ...(await ownerOf(there(name)))]).toEqual([name, 3000 + i, 4000 + i]);
  });

  it.runIf(isRoot).each([
    ['the sender', { sendFlags: ['--owner'] }],
    ['the receiver', { recvFlags: ['--owner'] }],
  ])('leaves them to whoever receives where %s alone says so', async (_, flags) => {
    await sendTree(flags);
    for (const name of names) expect([name, ...(await ownerOf(there(name)))]).toEqual([name, 0, 0]);
  });
});
