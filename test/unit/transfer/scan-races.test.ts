import { mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { directoryReader } from '../../../src/transfer/directory-reader.js';
import { listed, type ListingCalls } from '../../../src/transfer/listing.js';
import { filesTwin } from '../../../src/native/files-twin.js';
import { scan } from '../../../src/transfer/scan.js';
import { failure } from './rogue-kit.js';
import { filterOf, scanned, tellingReader } from './scan-kit.js';
import { temporaryDirectory } from './transfer-kit.js';

const isLinux = process.platform === 'linux';
let top: string;
let secret: string;

/** `d` with `d/a/b/file` and `d/z`, and elsewhere a directory that looks the same and is nobody's business. */
beforeEach(async () => {
  top = join(await temporaryDirectory(), 'd');
  secret = await temporaryDirectory();
  await mkdir(join(top, 'a', 'b'), { recursive: true });
  await mkdir(join(secret, 'b'));
  for (const path of [join(top, 'a', 'b', 'file'), join(top, 'z'), join(secret, 'b', 'secret')])
    await writeFile(path, '');
});

/** Does `work` once, right before `path` is read. */
const before = (path: string, work: () => Promise<unknown>) => {
  let isDone = false;
  return tellingReader((read) => {
    if (read !== path || isDone) return undefined;
    isDone = true;
    return work();
  });
};

const replacedByLink = (path: string, target: string) => async () => {
  await rename(path, `${path}.moved`);
  await symlink(target, path);
};

describe('a directory that changes under a scan', () => {
  it('is not entered where a link to another has taken its place', async () => {
    const path = join(top, 'a', 'b');
    const reader = before(path, replacedByLink(path, join(secret, 'b')));
    const { paths, problems } = await scanned([top], { reader });
    expect(paths).toEqual(['d', 'd/a', 'd/z', 'd/a/b']);
    expect(problems).toEqual([failure('ERR_XFER_FILE_CHANGED')]);
  });

  it('is not entered where a link has taken the place of one above it', async () => {
    const reader = before(join(top, 'a', 'b'), replacedByLink(join(top, 'a'), secret));
    const { paths, problems } = await scanned([top], { reader });
    expect(paths).toEqual(['d', 'd/a', 'd/z', 'd/a/b']);
    expect(problems).toEqual([failure('ERR_XFER_FILE_CHANGED')]);
  });

  it('is not entered where another has taken its place, and the rest goes on', async () => {
    const reader = before(join(top, 'a'), async () => {
      await rename(join(top, 'a'), join(top, 'was-a'));
      await mkdir(join(top, 'a'));
    });
    const { paths, problems } = await scanned([top, secret], { reader });
    expect(paths.slice(0, 3)).toEqual(['d', 'd/a', 'd/z']);
    expect(paths.slice(3).map((path) => path.slice(path.indexOf('/')))).toEqual([
      expect.not.stringContaining('/'),
      '/b',
      '/b/secret',
    ]);
    expect(problems).toEqual([failure('ERR_XFER_FILE_CHANGED')]);
  });

  it.each([
    ['is gone', () => rm(join(top, 'a'), { recursive: true }), 'ERR_XFER_NOT_FOUND'],
    [
      'is a file',
      async () => {
        await rm(join(top, 'a'), { recursive: true });
        await writeFile(join(top, 'a'), '');
      },
      'ERR_XFER_NOT_DIRECTORY',
    ],
  ])('is a problem where it %s, and the rest goes on', async (_, work, code) => {
    const { paths, problems } = await scanned([top], { reader: before(join(top, 'a'), work) });
    expect(paths).toEqual(['d', 'd/a', 'd/z']);
    expect(problems).toEqual([failure(code)]);
  });
});

describe('an entry that vanishes while its directory is listed', () => {
  /** Node's calls, with the answer for a file that vanished at its place. */
  const without = (name: string): ListingCalls => {
    const calls = filesTwin();
    return {
      ...calls,
      list: async (fd, most) => {
        const listing = await calls.list(fd, most);
        const index = listing.names.indexOf(name);
        if (index >= 0) listing.numbers[index * listed.numbers + listed.problem] = 2;
        return listing;
      },
    };
  };

  it('is a problem, and the rest goes on', async () => {
    const { paths, problems } = await scanned([top], { reader: directoryReader(without('file')) });
    expect(paths).toEqual(['d', 'd/a', 'd/z', 'd/a/b']);
    expect(problems).toEqual([failure('ERR_XFER_NOT_FOUND')]);
    expect(problems[0]?.message).toContain(join(top, 'a', 'b', 'file'));
  });

  it('is none where it was not to be sent', async () => {
    const reader = directoryReader(without('file'));
    const { problems, excluded } = await scanned([top], { reader, filter: filterOf('file') });
    expect(problems).toEqual([]);
    expect(excluded).toEqual(['d/a/b/file']);
  });
});

describe.skipIf(!isLinux)('descriptors (needs /proc)', () => {
  const held = async () => {
    const fds = await readdir('/proc/self/fd');
    const targets = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    return targets.filter((target) => target.startsWith(top));
  };

  it('are closed when a scan has ended, whatever it met', async () => {
    const path = join(top, 'a', 'b');
    const { problems } = await scanned([top], { reader: before(path, replacedByLink(path, secret)) });
    expect(problems).toHaveLength(1);
    expect(await held()).toEqual([]);
  });

  it('are closed when a scan is left in the middle', async () => {
    await Promise.all(Array.from({ length: 1500 }, (_, n) => writeFile(join(top, `file-${n}`), '')));
    for await (const batch of scan([top], { onProblem: () => undefined })) {
      expect(batch.length).toBeGreaterThan(0);
      expect(await held()).not.toEqual([]);
      break;
    }
    expect(await held()).toEqual([]);
  });
});
