import { link, mkdir, open, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { canMountTmpfs, holdDirectoryOf, runOnSmallTmpfs } from '../support/small-tmpfs.js';
import { runHere } from '../support/run-here.js';
import { beginTransfer, failureOf, handedOver, notesOf, transfer } from '../support/transfer.js';
import { startReceiverHere, transferHere, transferredHere } from '../support/commands-here.js';

const MiB = 2 ** 20;

let work: string;
let out: string;
let tree: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  out = join(work, 'out');
  tree = join(work, 'tree');
  await mkdir(tree);
  for (const name of ['a', 'b.tar', 'c']) await writeFile(join(tree, name), `new ${name}`);
});

/** Everything below a directory that is not a directory, with its content. */
async function filesOf(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isDirectory())
      found[path.slice(directory.length + 1)] = entry.isSymbolicLink()
        ? `-> ${await readlink(path)}`
        : await readFile(path, 'utf8');
  }
  return found;
}

async function badFlags(flags: readonly string[]) {
  const recv = await runHere(['recv', out, '--listen', 'tcp://127.0.0.1:0', '--once', ...flags]);
  return failureOf(await recv.ended);
}

describe('recv with a limit of what it takes', () => {
  it.each([
    ['--max-bytes', '18', 'more than 18 B are not taken here'],
    ['--max-files', '2', 'more than 2 files are not taken here'],
  ])('refuses more than %s %s, and nothing has its name', async (flag, most, message) => {
    const { sent, received } = await transfer({ paths: [tree], out, recvFlags: [flag, most] });
    expect(failureOf(received)).toEqual({ code: 'ERR_XFER_REFUSED', message, status: 4 });
    expect(failureOf(sent)).toEqual({
      code: 'ERR_XFER_REFUSED',
      message: `the receiver: ${message}`,
      status: 4,
    });
    expect(await filesOf(out)).toEqual({});
  });

  it.each([
    ['--max-bytes', '19B'],
    ['--max-files', '3'],
  ])('takes exactly %s %s', async (flag, most) => {
    const { done } = await transferredHere({ paths: [tree], out, recvFlags: [flag, most] });
    expect(done).toMatchObject({ files: 3, bytes: 19 });
    expect(Object.keys(await filesOf(out))).toHaveLength(3);
  });

  it('counts what comes in later batches too', async () => {
    for (let i = 0; i < 1200; i++) await writeFile(join(tree, `n${i}`), '');
    const { sent, received } = await transferHere({ paths: [tree], out, recvFlags: ['--max-files', '1000'] });
    expect([failureOf(sent).code, failureOf(received).code]).toEqual([
      'ERR_XFER_REFUSED',
      'ERR_XFER_REFUSED',
    ]);
    expect(Object.keys(await filesOf(out)).length).toBeLessThanOrEqual(1000);
  });

  it.each([
    ['--max-bytes', 'many'],
    ['--max-bytes', '-1'],
    ['--max-files', '0'],
    ['--max-files', '1.5'],
  ])('takes no %s %s', async (flag, value) => {
    expect(await badFlags([`${flag}=${value}`])).toMatchObject({ code: 'ERR_XFER_USAGE', status: 2 });
  });
});

describe('recv --overwrite', () => {
  beforeEach(async () => {
    await mkdir(join(out, 'tree'), { recursive: true });
    for (const name of ['a', 'b.tar']) await writeFile(join(out, 'tree', name), `old ${name}`);
  });

  it('replaces what is there: always, and where nothing is said', async () => {
    const all = { 'tree/a': 'new a', 'tree/b.tar': 'new b.tar', 'tree/c': 'new c' };
    await transferredHere({ paths: [tree], out, recvFlags: ['--overwrite', 'always'] });
    expect(await filesOf(out)).toEqual(all);
    await writeFile(join(out, 'tree/a'), 'old a');
    await transferredHere({ paths: [tree], out });
    expect(await filesOf(out)).toEqual(all);
  });

  it('never: leaves what is there, tells the sender, and takes the rest', async () => {
    const { sent, received } = await transfer({ paths: [tree], out, recvFlags: ['--overwrite', 'never'] });
    expect(await filesOf(out)).toEqual({ 'tree/a': 'old a', 'tree/b.tar': 'old b.tar', 'tree/c': 'new c' });
    expect(received.status).toBe(0);
    expect(received.events.at(-1)).toMatchObject({ event: 'done', files: 1, bytes: 5 });
    expect(notesOf(received)).toEqual([
      'tree/a was left out: something stands there already',
      'tree/b.tar was left out: something stands there already',
    ]);
    expect(failureOf(sent)).toEqual({
      code: 'ERR_XFER_REFUSED',
      message:
        'tree/a was left out: something stands there already (and 1 more; everything else is committed)',
      status: 4,
    });
  });

  it('never: leaves links and large files alone like small ones', async () => {
    await writeFile(join(tree, 'large'), Buffer.alloc(3 * MiB, 'x'));
    await symlink('a', join(tree, 'link'));
    await link(join(tree, 'c'), join(tree, 'other c'));
    const before = { large: 'old', link: 'old', 'other c': 'old' };
    for (const [name, content] of Object.entries(before)) await writeFile(join(out, 'tree', name), content);
    const { received } = await transferHere({ paths: [tree], out, recvFlags: ['--overwrite', 'never'] });
    expect(received.status).toBe(0);
    expect(await filesOf(join(out, 'tree'))).toEqual({
      ...{ a: 'old a', 'b.tar': 'old b.tar', c: 'new c' },
      ...before,
    });
  });

  it('rename: gives what comes another name, again and again', async () => {
    await symlink('a', join(tree, 'link'));
    await symlink('nowhere', join(out, 'tree/link'));
    const recvFlags = ['--overwrite', 'rename'];
    await transferredHere({ paths: [tree], out, recvFlags });
    const first = {
      ...{ 'tree/a': 'old a', 'tree/a (1)': 'new a' },
      ...{ 'tree/b.tar': 'old b.tar', 'tree/b (1).tar': 'new b.tar' },
      ...{ 'tree/link': '-> nowhere', 'tree/link (1)': '-> a' },
      'tree/c': 'new c',
    };
    expect(await filesOf(out)).toEqual(first);
    await transferredHere({ paths: [join(tree, 'a')], out: join(out, 'tree'), recvFlags });
    expect(await filesOf(out)).toEqual({ ...first, 'tree/a (2)': 'new a' });
  });

  it('rename: keeps the names of one file together', async () => {
    await link(join(tree, 'a'), join(tree, 'z'));
    await transferredHere({ paths: [tree], out, recvFlags: ['--overwrite', 'rename'] });
    expect(await readFile(join(out, 'tree/a'), 'utf8')).toBe('old a');
    expect((await stat(join(out, 'tree/z'))).ino).toBe((await stat(join(out, 'tree/a (1)'))).ino);
  });

  it('ask: is a usage error without a terminal, before anything listens', async () => {
    const recv = await runXfer(['recv', out, '--once', '--json', '--overwrite', 'ask']);
    expect(failureOf(await recv.ended)).toEqual({
      code: 'ERR_XFER_USAGE',
      message: '--overwrite ask needs a terminal',
      status: 2,
    });
    expect(await badFlags(['--overwrite', 'sometimes'])).toMatchObject({ code: 'ERR_XFER_USAGE', status: 2 });
  });
});

describe('recv --allow', () => {
  const homes = { alice: '', bob: '', carol: '' };

  beforeAll(async () => {
    const paired = await temporaryDirectory();
    await writeFile(join(paired, 'a'), '');
    for (const name of ['bob', 'alice', 'carol'] as const) homes[name] = await temporaryDirectory();
    for (const name of ['alice', 'carol'] as const)
      await transferredHere({
        ...{ paths: [join(paired, 'a')], out: join(paired, 'out') },
        ...{ sender: { home: homes[name] }, sendFlags: ['--remember', '--as', 'bob'] },
        ...{ receiver: { home: homes.bob }, recvFlags: ['--remember', '--as', name] },
      });
  });

  it('lets the peer that it names send without a code, and makes none', async () => {
    const { recv, address, code } = await startReceiver(out, {
      home: homes.bob,
      flags: ['--once', '--allow', 'alice'],
    });
    expect(code).toBe('');
    const send = await runXfer(['send', tree, address, '--json'], { home: homes.alice });
    expect([(await send.ended).status, (await recv.ended).status]).toEqual([0, 0]);
    expect(Object.keys(await filesOf(out))).toHaveLength(3);
  });

  it('refuses another that is known, and one with any code, and goes on listening', async () => {
    const { recv, address } = await startReceiverHere(out, { home: homes.bob, flags: ['--allow', 'alice'] });
    const known = await runHere(['send', tree, address], { home: homes.carol });
    expect(failureOf(await known.ended).status).toBe(4);
    const env = { XFER_CODE: '4821-crossover-clockwork-melon' };
    const stranger = await runHere(['send', tree, address], { env });
    expect(failureOf(await stranger.ended).status).toBe(4);
    expect(await filesOf(out)).toEqual({});
    const allowed = await runHere(['send', tree, address], { home: homes.alice });
    expect((await allowed.ended).status).toBe(0);
    expect((await recv.interrupt()).events[0]).not.toHaveProperty('code');
  });

  it('takes more than one, and shows no code to people', async () => {
    const flags = ['--allow', 'alice', '--allow', 'carol', '--once'];
    const recv = await runXfer(['recv', out, '--listen', 'tcp://127.0.0.1:0', ...flags], { home: homes.bob });
    let told = '';
    for await (const chunk of recv.child.stderr ?? []) {
      told += String(chunk);
      if (/:\d+.*\n/.test(told)) break;
    }
    expect(told).not.toContain('XFER_CODE');
    const address = /tcp:\/\/127\.0\.0\.1:\d+/.exec(told)?.[0] ?? 'not told';
    const send = await runXfer(['send', tree, address, '--json'], { home: homes.carol });
    expect((await send.ended).status).toBe(0);
    expect(Object.keys(await filesOf(out))).toHaveLength(3);
  });

  it('is a usage error where it names nobody who is known', async () => {
    expect(await badFlags(['--allow', 'nobody'])).toMatchObject({
      code: 'ERR_XFER_USAGE',
      message: expect.stringContaining('nobody') as string,
      status: 2,
    });
  });
});

describe(`recv where there is little room${canMountTmpfs ? '' : ' (NOT TESTED: no test may mount a tmpfs)'}`, () => {
  const onTmpfs = async (paths: readonly string[], bytes: number) => {
    await mkdir(out, { recursive: true });
    const start = (args: readonly string[], options: object) => runOnSmallTmpfs(out, bytes, args, options);
    const { send, recv } = await beginTransfer({ paths, out, receiver: { start } });
    const held = await holdDirectoryOf(recv, out);
    const [sent, received] = await Promise.all([send.ended, recv.ended]);
    const names = await held.list();
    await held.close();
    return { sent, received, names };
  };

  it.runIf(canMountTmpfs)('refuses what does not fit before most of it is sent', async () => {
    await writeFile(join(work, 'large'), Buffer.alloc(96 * MiB, 'x'));
    const { sent, received, names } = await onTmpfs([join(work, 'large')], 4 * MiB);
    expect(failureOf(received)).toMatchObject({ code: 'ERR_XFER_NO_SPACE', status: 6 });
    expect(failureOf(sent)).toMatchObject({ code: 'ERR_XFER_NO_SPACE', status: 6 });
    expect(handedOver(sent)).toBeLessThanOrEqual(24 * MiB);
    expect(names).toEqual([]);
  });

  it.runIf(canMountTmpfs)('takes a file that is larger than the room, and has holes', async () => {
    const path = join(work, 'sparse');
    const handle = await open(path, 'w');
    await handle.write(Buffer.alloc(MiB, 'x'), 0, MiB, 32 * MiB);
    await handle.truncate(64 * MiB);
    await handle.close();
    const { sent, received, names } = await onTmpfs([path], 8 * MiB);
    expect([sent.status, received.status]).toEqual([0, 0]);
    expect(names).toEqual(['sparse']);
  });
});
