import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/run-xfer.js';
import { failureOf, notesOf, refusedFlags, transferred, type Leg } from '../support/transfer.js';
import { refusedFlagsHere, transferHere, transferredHere } from '../support/commands-here.js';

let work: string;
let out: string;
let tree: string;
let outside: string;

/** `tree` here and there, with more there; and what nobody may touch. */
beforeEach(async () => {
  work = await temporaryDirectory();
  [out, tree, outside] = [join(work, 'out'), join(work, 'tree'), join(work, 'outside')];
  await put(tree, ['a', 'sub/b']);
  await put(out, ['beside', 'other/x', 'tree/a', 'tree/gone', 'tree/sub/gone', 'tree/old/deep/er']);
  await put(outside, ['precious', 'sub/precious']);
});

async function put(directory: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(directory, path, '..'), { recursive: true });
    await writeFile(join(directory, path), path);
  }
}

const below = async (directory: string) => (await readdir(directory, { recursive: true })).sort();
const flags = { sendFlags: ['--update', '--delete', '--yes'], recvFlags: ['--delete'] };
const sendAll = (leg: Partial<Leg> = {}) => transferHere({ paths: [tree], out, ...flags, ...leg });

const others = ['beside', 'other', 'other/x'];
const offered = ['tree', 'tree/a', 'tree/sub', 'tree/sub/b'];
const untouched = [
  ...others,
  ...offered,
  'tree/gone',
  'tree/old',
  'tree/old/deep',
  'tree/old/deep/er',
  'tree/sub/gone',
];

describe('send --delete', () => {
  it('deletes what is not offered in the directories that are, tells of it, and nothing beside them', async () => {
    const { received } = await transferred({ paths: [tree], out, ...flags });
    expect(await below(out)).toEqual([...others, ...offered].sort());
    expect(notesOf(received).sort()).toEqual([
      ...['deleted tree/gone', 'deleted tree/old', 'deleted tree/old/deep', 'deleted tree/old/deep/er'],
      'deleted tree/sub/gone',
    ]);
  });

  it('deletes nothing without the flag, whatever the receiver lets it', async () => {
    await transferredHere({ paths: [tree], out, sendFlags: ['--update'], recvFlags: ['--delete'] });
    expect(await below(out)).toEqual([...untouched].sort());
  });

  it('is refused by a receiver without --delete, and nothing is changed', async () => {
    const { sent, received } = await sendAll({ recvFlags: [] });
    const message = 'nothing is deleted here: that takes --delete at the receiver too';
    expect(failureOf(received)).toEqual({ code: 'ERR_XFER_REFUSED', message, status: 4 });
    expect(failureOf(sent)).toMatchObject({ code: 'ERR_XFER_REFUSED', status: 4 });
    expect(await below(out)).toEqual(untouched.filter((path) => path !== 'tree/sub/b').sort());
  });

  it('deletes nothing where a file alone is sent', async () => {
    await transferredHere({ paths: [join(tree, 'a')], out, ...flags });
    expect(await below(out)).toEqual([...untouched.filter((path) => path !== 'tree/sub/b'), 'a'].sort());
  });

  it('deletes nothing where something here could not be read', async () => {
    await promisify(execFile)('mkfifo', [join(tree, 'pipe')]);
    const { sent, received } = await sendAll();
    expect(failureOf(sent)).toMatchObject({ code: 'ERR_XFER_UNSUPPORTED_FILE', status: 6 });
    expect(received.status).toBe(0);
    expect(await below(out)).toEqual([...untouched].sort());
  });

  it('leaves alone what --overwrite keeps, and deletes what nobody offered', async () => {
    await writeFile(join(out, 'tree/a'), 'another a');
    for (const what of ['never', 'rename']) await sendAll({ recvFlags: ['--delete', '--overwrite', what] });
    expect(await below(out)).toEqual([...others, ...offered, 'tree/a (1)'].sort());
    expect(await readFile(join(out, 'tree/a'), 'utf8')).toBe('another a');
  });

  it('works on any number of files', async () => {
    await put(
      join(out, 'tree'),
      Array.from({ length: 700 }, (_, i) => `many/${i}`),
    );
    const { received } = await transferredHere({ paths: [tree], out, ...flags });
    expect(await below(out)).toEqual([...others, ...offered].sort());
    expect(notesOf(received)).toContain('deleted 606 more');
  });
});

describe('send --delete and links at the receiver', () => {
  const precious = ['precious', 'sub', 'sub/precious'];

  it('deletes a link that is not offered, and nothing behind it', async () => {
    await symlink(outside, join(out, 'tree/link'));
    await symlink(join(outside, 'precious'), join(out, 'tree/sub/link'));
    await symlink(outside, join(out, 'tree/old/deep/link'));
    await transferredHere({ paths: [tree], out, ...flags });
    expect(await below(out)).toEqual([...others, ...offered].sort());
    expect(await below(outside)).toEqual(precious);
  });

  it.each(['tree', 'tree/sub'])(
    'refuses a link in the place of %s, and deletes nothing behind it',
    async (path) => {
      out = join(work, 'other out');
      await put(out, ['beside', ...(path === 'tree' ? [] : ['tree/gone'])]);
      await symlink(outside, join(out, path));
      const { sent, received } = await sendAll();
      expect(failureOf(received)).toMatchObject({ code: 'ERR_XFER_NOT_DIRECTORY', status: 6 });
      expect(failureOf(sent)).toMatchObject({ code: 'ERR_XFER_NOT_DIRECTORY', status: 6 });
      expect(await below(outside)).toEqual(precious);
      expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('precious');
      expect(await readdir(out)).toContain('beside');
    },
  );
});

describe('send --delete is a usage error', () => {
  it('without a terminal and --yes', async () => {
    const told = await refusedFlags(tree, ['--update', '--delete']);
    expect(told).toMatchObject({ code: 'ERR_XFER_USAGE', status: 2 });
  });

  it.each([
    ['without --update', ['--delete', '--yes']],
    ['with --checksum', ['--checksum', '--delete', '--yes']],
    ['with --exclude', ['--update', '--delete', '--yes', '--exclude', 'x']],
    ['with --include', ['--update', '--delete', '--yes', '--include', 'x']],
    ['with --exclude-from', ['--update', '--delete', '--yes', '--exclude-from', '/dev/null']],
  ])('%s', async (_, given) => {
    expect(await refusedFlagsHere(tree, given)).toMatchObject({ code: 'ERR_XFER_USAGE', status: 2 });
  });
});
