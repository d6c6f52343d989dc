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
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { HoldingProxy } from '../support/holding-proxy.js';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory, type Ended } from '../support/run-xfer.js';
import { hashOf, MiB } from './resume-kit.js';

let tree: string;
let out: string;

beforeEach(async () => {
  const work = await temporaryDirectory();
  [tree, out] = [join(work, 'tree'), join(work, 'out')];
  await mkdir(tree);
});

/** Sends the tree; in the middle of it, when no more can go, `change` happens. */
async function sendWhile(
  change: () => Promise<void>,
  holdAfterBytes: number,
  flags: readonly string[] = [],
): Promise<[Ended, Ended]> {
  const { recv, address, code } = await startReceiver(out, { flags: ['--once', ...flags] });
  const proxy = await HoldingProxy.open(address, holdAfterBytes);
  const send = await runXfer(['send', tree, proxy.address, '--json', ...flags], { env: { XFER_CODE: code } });
  await proxy.held;
  await change();
  proxy.release();
  const ended = await Promise.all([send.ended, recv.ended]);
  await proxy.close();
  return ended;
}

/** The same again, when nothing changes any more. */
async function expectWholeAgain(): Promise<void> {
  const { recv, address, code } = await startReceiver(out);
  const send = await runXfer(['send', tree, address, '--json'], { env: { XFER_CODE: code } });
  expect((await send.ended).status).toBe(0);
  expect((await recv.ended).status).toBe(0);
  const there = join(out, 'tree');
  expect((await readdir(there)).sort()).toEqual((await readdir(tree)).sort());
  for (const name of await readdir(tree))
    expect(await hashOf(join(there, name)), name).toBe(await hashOf(join(tree, name)));
  expect((await readdir(out)).filter((name) => name.startsWith('.xfer-'))).toEqual([]);
}

function expectChanged([sent, received]: readonly [Ended, Ended], names: readonly string[]): void {
  expect(sent.timedOut || received.timedOut).toBe(false);
  expect(sent.status).toBe(5);
  expect(received.status).toBe(0);
  const notes = received.events.flatMap((event) => (event.event === 'note' ? [event.message] : []));
  const dropped = (name: string) => `tree/${name} was not received: the sender could not send all of it`;
  expect(notes.sort()).toEqual(names.map(dropped).sort());
}

describe('a large file that changes while it is sent has no name over there', () => {
  it.each<[string, (path: string) => Promise<void>, ...flags: string[]]>([
    ['and grows', (path) => appendFile(path, 'more')],
    ['and shrinks', (path) => truncate(path, 47 * MiB)],
    ['and grows, under --direct', (path) => appendFile(path, 'more'), '--direct'],
    ['and shrinks, under --direct', (path) => truncate(path, 47 * MiB + 5), '--direct'],
    ['and becomes empty', (path) => truncate(path, 0)],
    ['in its beginning, which has gone already', (path) => writeAt(path, 0, 'other')],
    ['in its end, which has not gone yet', (path) => writeAt(path, 48 * MiB - 5, 'other')],
  ])(
    '%s',
    async (_, change, ...flags) => {
      const path = join(tree, 'large');
      await writeFile(path, randomBytes(48 * MiB));
      await writeFile(join(tree, 'beside'), 'beside');
      const both = await sendWhile(() => change(path), 8 * MiB, flags);
      expectChanged(both, ['large']);
      expect(await readdir(join(out, 'tree'))).toEqual(['beside']);
      await expectWholeAgain();
    },
    40_000,
  );
});

describe('a sparse file that changes while it is sent has no name over there', () => {
  it.each<[string, (path: string) => Promise<void>]>([
    ['where a hole is filled', (path) => writeAt(path, 48 * MiB, 'content')],
    ['where content becomes a hole', (path) => punch(path)],
    ['and grows by a hole', (path) => truncate(path, 128 * MiB)],
    ['and loses the hole at its end', (path) => truncate(path, 36 * MiB)],
  ])(
    '%s',
    async (_, change) => {
      const path = join(tree, 'sparse');
      await writeFile(path, randomBytes(36 * MiB));
      await truncate(path, 64 * MiB);
      const both = await sendWhile(() => change(path), 8 * MiB);
      expectChanged(both, ['sparse']);
      expect(await readdir(join(out, 'tree'))).toEqual([]);
      await expectWholeAgain();
    },
    40_000,
  );
});

describe('small files that change before they are packed', () => {
  /** More than a window goes first, so that nothing of these is read yet. */
  async function small(names: readonly string[]): Promise<string[]> {
    const first = Array.from({ length: 700 }, (_, i) => `a-${1000 + i}`);
    const content = randomBytes(64 * 1024);
    for (const name of first) await writeFile(join(tree, name), content);
    for (const name of names) await writeFile(join(tree, `b-${name}`), `content of ${name}`);
    return first;
  }
  const path = (name: string) => join(tree, `b-${name}`);

  it('are left out one by one, and those around them arrive', async () => {
    const first = await small(['grows', 'shrinks', 'other', 'empty', 'kept', 'last']);
    const both = await sendWhile(async () => {
      await appendFile(path('grows'), ' and more');
      await truncate(path('shrinks'), 5);
      await writeAt(path('other'), 0, 'CONTENT');
      await truncate(path('empty'), 0);
    }, 8 * MiB);
    expectChanged(both, ['b-empty', 'b-grows', 'b-other', 'b-shrinks']);
    expect((await readdir(join(out, 'tree'))).sort()).toEqual([...first, 'b-kept', 'b-last']);
    expect(await readFile(join(out, 'tree/b-kept'), 'utf8')).toBe('content of kept');
    await expectWholeAgain();
  }, 40_000);

  it('are left out where they are gone, or are directories or links', async () => {
    const first = await small(['gone', 'directory', 'link', 'kept']);
    const [sent, received] = await sendWhile(async () => {
      for (const name of ['gone', 'directory', 'link']) await rm(path(name));
      await mkdir(path('directory'));
      await symlink('b-kept', path('link'));
    }, 8 * MiB);
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
  const kept = Buffer.alloc(18 * MiB);
  await handle.read(kept, 0, kept.length, 18 * MiB);
  await handle.truncate(0);
  await handle.truncate(size);
  await handle.write(kept, 0, kept.length, 18 * MiB);
  await handle.close();
}
