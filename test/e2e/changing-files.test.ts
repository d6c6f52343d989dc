import { randomBytes } from 'node:crypto';
import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { HoldingProxy } from '../support/holding-proxy.js';
import { temporaryDirectory } from '../support/run-xfer.js';
import { beginTransfer, notesOf } from '../support/transfer.js';
import { beginHere, transferredHere, type EndedHere } from '../support/transfer-here.js';
import { hashOf, MiB } from './resume-kit.js';

/** A sixth of what there is: so much less has to lie between what has gone and what has not. */
vi.mock(import('../../src/config/defaults.js'), async (original) => {
  const { transferDefaults, ...others } = await original();
  const windowBytes = transferDefaults.windowBytes / 6;
  return { ...others, transferDefaults: { ...transferDefaults, windowBytes, maxWindowBytes: windowBytes } };
});

let tree: string;
let out: string;

beforeEach(async () => {
  const work = await temporaryDirectory();
  [tree, out] = [join(work, 'tree'), join(work, 'out')];
  await mkdir(tree);
});

interface While {
  readonly holdAfterBytes: number;
  readonly direct?: boolean;
}

/** Sends the tree, within this process; in the middle of it, when no more can go, `change` happens. */
async function sendWhile(change: () => Promise<void>, { holdAfterBytes, direct = false }: While) {
  let proxy: HoldingProxy | undefined;
  const both = await beginHere({
    ...{ paths: [tree], out, sender: { direct }, receiver: { direct } },
    reach: async (address) => (proxy = await HoldingProxy.open(address, holdAfterBytes)).address,
  });
  await proxy?.held;
  await change();
  proxy?.release();
  const ended = await Promise.all([both.sent, both.received]);
  await proxy?.close();
  return ended;
}

/** The same by the commands. */
async function commandsWhile(change: () => Promise<void>, { holdAfterBytes, direct = false }: While) {
  let proxy: HoldingProxy | undefined;
  const flags = direct ? ['--direct'] : [];
  const { send, recv } = await beginTransfer({
    ...{ paths: [tree], out, sendFlags: flags, recvFlags: flags },
    reach: async (address) => (proxy = await HoldingProxy.open(address, holdAfterBytes)).address,
  });
  await proxy?.held;
  await change();
  proxy?.release();
  const ended = await Promise.all([send.ended, recv.ended]);
  await proxy?.close();
  expect(ended.some(({ timedOut }) => timedOut)).toBe(false);
  return ended;
}

/** The same again, when nothing changes any more. */
async function expectWholeAgain(): Promise<void> {
  await transferredHere({ paths: [tree], out });
  const there = join(out, 'tree');
  expect((await readdir(there)).sort()).toEqual((await readdir(tree)).sort());
  for (const name of await readdir(tree))
    expect(await hashOf(join(there, name)), name).toBe(await hashOf(join(tree, name)));
  expect((await readdir(out)).filter((name) => name.startsWith('.xfer-'))).toEqual([]);
}

/** A process, or what stands for one here. */
type Side = Pick<EndedHere, 'events'> & { readonly status: number | null };

function expectChanged([sent, received]: readonly [Side, Side], names: readonly string[]): void {
  expect(sent.status).toBe(5);
  expect(received.status).toBe(0);
  const dropped = (name: string) => `tree/${name} was not received: the sender could not send all of it`;
  expect(notesOf(received).sort()).toEqual(names.map(dropped).sort());
}

/** What is changed in the middle has no name over there, and what is beside it has; the next time all is whole. */
async function expectNoName(
  path: string,
  change: (path: string) => Promise<void>,
  send: typeof sendWhile | typeof commandsWhile,
  how: While,
): Promise<void> {
  await writeFile(join(tree, 'beside'), 'beside');
  const both = await send(() => change(path), how);
  expectChanged(both, [basename(path)]);
  expect(await readdir(join(out, 'tree'))).toEqual(['beside']);
  await expectWholeAgain();
}

describe('a large file that changes while it is sent has no name over there', () => {
  it.each<[string, (path: string) => Promise<void>, direct?: boolean]>([
    ['and grows', (path) => appendFile(path, 'more')],
    ['and shrinks', (path) => truncate(path, 11 * MiB)],
    ['and grows, under --direct', (path) => appendFile(path, 'more'), true],
    ['and becomes empty', (path) => truncate(path, 0)],
    ['in its beginning, which has gone already', (path) => writeAt(path, 0, 'other')],
    ['in its end, which has not gone yet', (path) => writeAt(path, 12 * MiB - 5, 'other')],
  ])('%s', async (_, change, direct = false) => {
    const path = join(tree, 'large');
    await writeFile(path, randomBytes(12 * MiB));
    await expectNoName(path, change, sendWhile, { holdAfterBytes: 2 * MiB, direct });
  });

  it('and shrinks, under --direct, as the commands tell it', { timeout: 40_000 }, async () => {
    const path = join(tree, 'large');
    await writeFile(path, randomBytes(48 * MiB));
    const shrink = () => truncate(path, 47 * MiB + 5);
    await expectNoName(path, shrink, commandsWhile, { holdAfterBytes: 8 * MiB, direct: true });
  });
});

describe('a sparse file that changes while it is sent has no name over there', () => {
  it.each<[string, (path: string) => Promise<void>]>([
    ['where a hole is filled', (path) => writeAt(path, 12 * MiB, 'content')],
    ['where content becomes a hole', (path) => punch(path)],
    ['and grows by a hole', (path) => truncate(path, 32 * MiB)],
    ['and loses the hole at its end', (path) => truncate(path, 9 * MiB)],
  ])('%s', async (_, change) => {
    const path = join(tree, 'sparse');
    await writeFile(path, randomBytes(9 * MiB));
    await truncate(path, 16 * MiB);
    await expectNoName(path, change, sendWhile, { holdAfterBytes: 2 * MiB });
  });
});

describe('small files that change before they are packed', () => {
  /** More than a window goes first, so that nothing of these is read yet. */
  async function small(names: readonly string[], windowFiles: number): Promise<string[]> {
    const first = Array.from({ length: windowFiles }, (_, i) => `a-${1000 + i}`);
    const content = randomBytes(64 * 1024);
    for (const name of first) await writeFile(join(tree, name), content);
    for (const name of names) await writeFile(join(tree, `b-${name}`), `content of ${name}`);
    return first;
  }
  const path = (name: string) => join(tree, `b-${name}`);

  it('are left out one by one, and those around them arrive', async () => {
    const first = await small(['grows', 'shrinks', 'other', 'empty', 'kept', 'last'], 700);
    const both = await commandsWhile(
      async () => {
        await appendFile(path('grows'), ' and more');
        await truncate(path('shrinks'), 5);
        await writeAt(path('other'), 0, 'CONTENT');
        await truncate(path('empty'), 0);
      },
      { holdAfterBytes: 8 * MiB },
    );
    expectChanged(both, ['b-empty', 'b-grows', 'b-other', 'b-shrinks']);
    expect((await readdir(join(out, 'tree'))).sort()).toEqual([...first, 'b-kept', 'b-last']);
    expect(await readFile(join(out, 'tree/b-kept'), 'utf8')).toBe('content of kept');
    await expectWholeAgain();
  }, 40_000);

  it('are left out where they are gone, or are directories or links', async () => {
    const first = await small(['gone', 'directory', 'link', 'kept'], 120);
    const [sent, received] = await sendWhile(
      async () => {
        for (const name of ['gone', 'directory', 'link']) await rm(path(name));
        await mkdir(path('directory'));
        await symlink('b-kept', path('link'));
      },
      { holdAfterBytes: 2 * MiB },
    );
    expect([5, 6]).toContain(sent.status);
    expect(received.status).toBe(0);
    expect((await readdir(join(out, 'tree'))).sort()).toEqual([...first, 'b-kept']);
  }, 40_000);
});

async function writeAt(path: string, at: number, text: string): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(text, at);
  await handle.close();
}

/** Its first half becomes a hole. */
async function punch(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  const { size } = await handle.stat();
  const kept = Buffer.alloc(5 * MiB);
  await handle.read(kept, 0, kept.length, 4 * MiB);
  await handle.truncate(0);
  await handle.truncate(size);
  await handle.write(kept, 0, kept.length, 4 * MiB);
  await handle.close();
}
