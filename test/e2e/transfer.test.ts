import { createHash, randomBytes } from 'node:crypto';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  utimes,
  writeFile,
  chmod,
} from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { nativeApi } from '../../src/native/index.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';

let home: string;
let work: string;

beforeEach(async () => {
  home = await temporaryDirectory();
  work = await temporaryDirectory();
});

/** Nanoseconds; without the addon times are kept to the microsecond. */
const grain = nativeApi().kind === 'native' ? 1n : 1000n;

/** Everything below a directory that a transfer has to keep. */
async function picture(directory: string, below = ''): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(join(directory, below))).sort()) {
    const path = join(below, name);
    const stat = await lstat(join(directory, path), { bigint: true });
    const kind = stat.isDirectory() ? 'd' : stat.isSymbolicLink() ? 'l' : 'f';
    const mode = kind === 'l' ? '' : (stat.mode & 0o777n).toString(8);
    const content =
      kind === 'f'
        ? createHash('sha256')
            .update(await readFile(join(directory, path)))
            .digest('hex')
        : kind === 'l'
          ? await readlink(join(directory, path))
          : '';
    found[path] = [kind, mode, stat.mtimeNs / grain, content].join(' ');
    if (kind === 'd') Object.assign(found, await picture(directory, path));
  }
  return found;
}

async function makeTree(at: string): Promise<void> {
  await mkdir(join(at, 'deep/er'), { recursive: true });
  await mkdir(join(at, 'nothing in here'));
  for (const [name, size] of [
    ['empty', 0],
    ['one', 1],
    ['threshold', 65_536],
    ['deep/er/large', 3 * 2 ** 20 + 7],
  ] as const)
    await writeFile(join(at, name), randomBytes(size));
  await chmod(join(at, 'one'), 0o751);
  await symlink('er/large', join(at, 'deep/link'));
  await symlink('nowhere', join(at, 'dangling'));
  await utimes(join(at, 'one'), 1_000_000_000.125, 1_000_000_001.25);
}

describe('a tree', () => {
  it('arrives equal in local:DIR, and nothing else remains there', async () => {
    await makeTree(join(work, 'tree'));
    const run = await runXfer(['send', join(work, 'tree'), `local:${join(work, 'out')}`, '--json'], { home });
    expect((await run.ended).status).toBe(0);
    expect(await picture(join(work, 'out', 'tree'))).toEqual(await picture(join(work, 'tree')));
    expect(await readdir(join(work, 'out'))).toEqual(['tree']);
  });

  it('arrives at a receiver that listens, with the code that it made', async () => {
    await makeTree(join(work, 'tree'));
    const recv = await runXfer(
      ['recv', join(work, 'out'), '--listen', 'tcp://127.0.0.1:0', '--once', '--json'],
      {
        home,
      },
    );
    const { addresses, code } = await recv.event('listening');
    const other = await temporaryDirectory();
    const send = await runXfer(['send', join(work, 'tree'), addresses[0] ?? '', '--json'], {
      home: other,
      env: { XFER_CODE: code },
    });
    expect(await send.event('done')).toMatchObject({
      role: 'send',
      files: 4,
      transport: 'tcp',
      path: 'direct',
    });
    expect((await send.ended).status).toBe(0);
    expect((await recv.ended).status).toBe(0);
    expect(await picture(join(work, 'out', 'tree'))).toEqual(await picture(join(work, 'tree')));
  });
});

describe('a transfer that cannot be', () => {
  it('ends both sides with 4 for a wrong code, and nothing is written', async () => {
    await writeFile(join(work, 'file'), 'content');
    const recv = await runXfer(
      ['recv', join(work, 'out'), '--listen', 'tcp://127.0.0.1:0', '--once', '--json'],
      {
        home,
      },
    );
    const { addresses } = await recv.event('listening');
    const send = await runXfer(['send', join(work, 'file'), addresses[0] ?? '', '--json'], {
      home: await temporaryDirectory(),
      env: { XFER_CODE: '1234-wrong-wrong-wrong-wrong' },
    });
    expect(await send.event('error')).toMatchObject({ code: 'ERR_XFER_WRONG_CODE', exit: 4 });
    expect((await send.ended).status).toBe(4);
    expect((await recv.ended).status).toBe(4);
    expect(await readdir(join(work, 'out'))).toEqual([]);
  });

  it.each([
    ['no such file', ['send', '/nonexistent-path', 'tcp://127.0.0.1:9'], 6, 'ERR_XFER_NOT_FOUND'],
    ['no code', ['send', '/etc/hostname', 'tcp://127.0.0.1:9'], 4, 'ERR_XFER_NO_CODE'],
    [
      'a closed port',
      ['send', '/etc/hostname', 'tcp://127.0.0.1:9', '--code', 'long-enough-code'],
      3,
      'ERR_XFER_CONNECTION_REFUSED',
    ],
    [
      'no transport',
      ['send', '/etc/hostname', 'warp://127.0.0.1:9', '--code', 'long-enough-code'],
      7,
      'ERR_XFER_NO_TRANSPORT',
    ],
  ])('says why: %s', async (_, args, exit, code) => {
    const run = await runXfer([...args, '--json'], { home });
    expect(await run.event('error')).toMatchObject({ code, exit });
    expect((await run.ended).status).toBe(exit);
  });

  it('leaves a directory alone that stands where a file should go', async () => {
    await writeFile(join(work, 'name'), 'content');
    await mkdir(join(work, 'out/name/inside'), { recursive: true });
    const run = await runXfer(['send', join(work, 'name'), `local:${join(work, 'out')}`, '--json'], { home });
    expect(await run.event('error')).toMatchObject({ code: 'ERR_XFER_IS_DIRECTORY', exit: 6 });
    expect((await run.ended).status).toBe(6);
    expect(await readdir(join(work, 'out'))).toEqual(['name']);
    expect(await readdir(join(work, 'out/name'))).toEqual(['inside']);
  });

  it('leaves out a link that points out of the directory, reports it, and commits the rest', async () => {
    await mkdir(join(work, 'tree'));
    await writeFile(join(work, 'tree/file'), 'content');
    await symlink('/etc/passwd', join(work, 'tree/out'));
    const run = await runXfer(['send', join(work, 'tree'), `local:${join(work, 'out')}`, '--json'], { home });
    expect(await run.event('error')).toMatchObject({ code: 'ERR_XFER_LINK_REFUSED', exit: 4 });
    expect((await run.ended).status).toBe(4);
    expect(await readdir(join(work, 'out/tree'))).toEqual(['file']);
  });

  it('leaves out thousands of such links, one by one, and still commits the rest', async () => {
    await mkdir(join(work, 'tree'));
    await writeFile(join(work, 'tree/file'), 'content');
    for (let i = 0; i < 3000; i++) await symlink('/etc/passwd', join(work, 'tree', `out-${i}`));
    const run = await runXfer(['send', join(work, 'tree'), `local:${join(work, 'out')}`, '--json'], { home });
    const error = await run.event('error');
    expect(error).toMatchObject({ code: 'ERR_XFER_LINK_REFUSED', exit: 4 });
    expect(error.message).toContain('(and 2999 more; everything else is committed)');
    expect((await run.ended).status).toBe(4);
    expect(await readdir(join(work, 'out/tree'))).toEqual(['file']);
  });
});
