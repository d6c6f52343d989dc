import { randomBytes } from 'node:crypto';
import {
  appendFile,
  chmod,
  link,
  lstat,
  mkdir,
  open,
  readFile,
  readdir,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { setMtime } from '../support/file-system.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { refusedFlags, transferred } from '../support/transfer.js';
import { transferredHere } from '../support/transfer-here.js';

const MiB = 2 ** 20;
/** What comparisons are made of. */
const blockBytes = MiB;

let work: string;
let out: string;
let tree: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  [out, tree] = [join(work, 'out'), join(work, 'tree')];
  await mkdir(join(tree, 'directory'), { recursive: true });
});

const here = (path = '') => join(tree, path);
const there = (path = '') => join(out, 'tree', path);
/** By the commands. */
const send = (...sendFlags: string[]) => transferred({ paths: [tree], out, sendFlags });
const flags = { stamp: '--update', digest: '--checksum' } as const;
/** The same without them. */
const sendHere = (update?: keyof typeof flags) =>
  transferredHere({ paths: [tree], out, sender: update ? { update } : {} });

async function expectEqual(...names: string[]): Promise<void> {
  for (const name of names) {
    expect((await readFile(there(name))).equals(await readFile(here(name))), name).toBe(true);
    const times = await Promise.all([there(name), here(name)].map((path) => lstat(path, { bigint: true })));
    expect(times[0]?.mtimeMs, name).toBe(times[1]?.mtimeMs);
  }
}

/** Files of every way to be sent: packed, in records, with links to them. */
async function makeTree(): Promise<void> {
  await writeFile(here('small'), randomBytes(1000));
  await writeFile(here('empty'), '');
  await writeFile(here('directory/large'), randomBytes(4 * MiB + 5));
  await link(here('small'), here('directory/other name'));
  await symlink('small', here('link'));
}

async function overwrite(path: string, at: number, content: string): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(content, at);
  await handle.close();
}

describe.each(Object.keys(flags) as (keyof typeof flags)[])('send by %s', (update) => {
  it('sends all where there is nothing, and nothing again where nothing changed', async () => {
    await makeTree();
    expect((await sendHere(update)).sentBytes).toBe(4 * MiB + 1005);
    await expectEqual('small', 'empty', 'directory/large', 'directory/other name');
    const { ino } = await stat(there('directory/large'));
    const { sentBytes, done } = await send(flags[update]);
    expect(sentBytes).toBe(0);
    expect(done).toMatchObject({ files: 3, bytes: 4 * MiB + 1005 });
    expect((await stat(there('directory/large'))).ino).toBe(ino);
    expect(await readdir(out)).toEqual(['tree']);
    expect((await readdir(there())).sort()).toEqual(['directory', 'empty', 'link', 'small']);
  });

  it('sends what changed and what is new, and that alone', async () => {
    await makeTree();
    await sendHere(update);
    await writeFile(here('small'), randomBytes(900));
    await writeFile(here('directory/new'), randomBytes(70_000));
    const { sentBytes } = await sendHere(update);
    expect(sentBytes).toBe(70_900);
    await expectEqual('small', 'directory/new', 'directory/large', 'directory/other name');
    expect((await stat(there('small'))).ino).toBe((await stat(there('directory/other name'))).ino);
  });

  it('leaves alone what is there alone', async () => {
    await makeTree();
    await sendHere(update);
    await writeFile(there('mine'), 'mine');
    await sendHere(update);
    expect(await readFile(there('mine'), 'utf8')).toBe('mine');
  });

  it('sends where something other than a file stands', async () => {
    await writeFile(here('small'), 'content');
    await mkdir(there(), { recursive: true });
    await writeFile(join(work, 'outside'), 'content');
    await symlink(join(work, 'outside'), there('small'));
    await utimes(join(work, 'outside'), 1, 1);
    const { sentBytes } = await sendHere(update);
    expect(sentBytes).toBe(7);
    expect((await lstat(there('small'))).isFile()).toBe(true);
    expect((await stat(join(work, 'outside'))).mtimeMs).toBe(1000);
  });
});

describe('send --update', () => {
  it('goes by size and time: the same leave a file alone, another second does not', async () => {
    await writeFile(here('same'), 'here!');
    await writeFile(here('later'), 'here!');
    await mkdir(there(), { recursive: true });
    for (const name of ['same', 'later']) await writeFile(there(name), 'there');
    for (const path of [here('same'), there('same'), there('later')])
      setMtime(path, '2020-01-02T03:04:05.678901234Z');
    setMtime(here('later'), '2020-01-02T03:04:06.678901234Z');
    const { sentBytes } = await sendHere('stamp');
    expect(sentBytes).toBe(5);
    expect(await readFile(there('same'), 'utf8')).toBe('there');
    expect(await readFile(there('later'), 'utf8')).toBe('here!');
  });

  it('sends an older file over a newer one: what is offered counts', async () => {
    await writeFile(here('file'), 'here!');
    setMtime(here('file'), '2000-01-01T00:00:00Z');
    await mkdir(there(), { recursive: true });
    await writeFile(there('file'), 'there');
    expect((await sendHere('stamp')).sentBytes).toBe(5);
    await expectEqual('file');
  });
});

describe('send --checksum', () => {
  it('sends about the block that changed', async () => {
    await writeFile(here('large'), randomBytes(8 * MiB));
    await sendHere();
    await overwrite(here('large'), 5 * MiB + 100, 'changed');
    const { sentBytes } = await sendHere('digest');
    expect(sentBytes).toBeGreaterThan(0);
    expect(sentBytes).toBeLessThanOrEqual(blockBytes);
    await expectEqual('large');
  });

  it('sends small files that changed and kept their size, among many that did not', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `small-${i}`);
    for (const name of names) await writeFile(here(name), randomBytes(2000));
    await sendHere();
    for (const name of names.filter((_, i) => i % 20 === 5)) await writeFile(here(name), randomBytes(2000));
    const { sentBytes } = await sendHere('digest');
    expect(sentBytes).toBe(6000);
    await expectEqual(...names);
  });

  it('finds what changed with the time and the size kept', async () => {
    await writeFile(here('large'), randomBytes(3 * MiB));
    setMtime(here('large'), '2020-01-02T03:04:05Z');
    await sendHere();
    await overwrite(here('large'), 100, 'changed');
    setMtime(here('large'), '2020-01-02T03:04:05Z');
    expect((await sendHere('stamp')).sentBytes).toBe(0);
    const { sentBytes } = await sendHere('digest');
    expect(sentBytes).toBeGreaterThan(0);
    expect(sentBytes).toBeLessThanOrEqual(blockBytes);
    await expectEqual('large');
  });

  it('sends what a file has grown by', async () => {
    await writeFile(here('log'), randomBytes(6 * MiB));
    await sendHere();
    await appendFile(here('log'), randomBytes(1000));
    const { sentBytes } = await sendHere('digest');
    expect(sentBytes).toBeGreaterThanOrEqual(1000);
    expect(sentBytes).toBeLessThanOrEqual(blockBytes + 1000);
    await expectEqual('log');
  });

  it('sends little of a file that has become shorter', async () => {
    await writeFile(here('log'), randomBytes(6 * MiB + 300));
    await sendHere();
    await truncate(here('log'), 4 * MiB + 100);
    const { sentBytes } = await sendHere('digest');
    expect(sentBytes).toBeLessThanOrEqual(blockBytes);
    await expectEqual('log');
  });

  it('gives what is the same the mode and the time that it has here', async () => {
    await writeFile(here('large'), randomBytes(2 * MiB));
    await sendHere();
    await chmod(here('large'), 0o640);
    setMtime(here('large'), '2012-12-12T12:12:12.121212121Z');
    expect((await sendHere('digest')).sentBytes).toBe(0);
    await expectEqual('large');
    expect((await stat(there('large'))).mode & 0o777).toBe(0o640);
  });

  it('never changes a file that is there before the new one is whole', async () => {
    await writeFile(here('large'), randomBytes(4 * MiB));
    await sendHere();
    await link(there('large'), join(work, 'kept'));
    const before = await readFile(join(work, 'kept'));
    await overwrite(here('large'), 100, 'changed');
    await sendHere('digest');
    expect((await readFile(join(work, 'kept'))).equals(before)).toBe(true);
    await expectEqual('large');
  });
});

it('--update and --checksum exclude each other', async () => {
  expect(await refusedFlags(tree, Object.values(flags))).toMatchObject({ code: 'ERR_XFER_USAGE', status: 2 });
});
