import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readFilter } from '../../../src/app/filters.js';
import type { FilterRule } from '../../../src/app/options.js';
import { scanDefaults } from '../../../src/config/index.js';
import { temporaryDirectory } from '../transfer/transfer-kit.js';

const { signal } = new AbortController();
const read = (...rules: (readonly [FilterRule['kind'], string])[]) =>
  readFilter(
    rules.map(([kind, value]) => ({ kind, value })),
    signal,
  );
const refused = (code: string, told: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(told) as string }) as Error;

let file: string;
beforeEach(async () => {
  file = join(await temporaryDirectory(), 'patterns');
});

describe('the rules of what is sent', () => {
  it('are none where there are none', async () => {
    expect(await read()).toBeUndefined();
  });

  it('count in their order, whether they stand in a file or not', async () => {
    await writeFile(file, '\u{feff}*.log\r\n\r\n# a comment\n!keep.log\n  \n');
    const filter = await read(['exclude', 'k*'], ['exclude-from', file], ['exclude', '/d'], ['include', 'd']);
    expect(filter?.excludes('a.log', false)).toBe(true);
    expect(filter?.excludes('keep.log', false)).toBe(false);
    expect(filter?.excludes('keep.txt', false)).toBe(true);
    expect(filter?.excludes('d', true)).toBe(false);
    expect(filter?.excludes('# a comment', false)).toBe(false);
  });

  it('take an exclude that begins with ! as a .gitignore does', async () => {
    const filter = await read(['exclude', '*'], ['exclude', '!a'], ['include', '\\!b']);
    expect(filter?.excludes('a', false)).toBe(false);
    expect(filter?.excludes('!b', false)).toBe(false);
    expect(filter?.excludes('b', false)).toBe(true);
  });

  it.each([
    ['exclude', '', 'the pattern is empty'],
    ['include', ' ', 'the pattern is empty'],
    ['exclude', '#a', 'is a comment'],
    ['include', '#a', 'is a comment'],
    ['include', '!a', 'the opposite'],
    ['exclude', 'a\\', 'is not a pattern'],
    ['include', 'a\nb', 'is not a pattern'],
  ] as const)('are refused where --%s is %j', async (kind, value, told) => {
    await expect(read([kind, value])).rejects.toEqual(refused('ERR_XFER_USAGE', told));
  });

  it('name the line of a file that is wrong', async () => {
    await writeFile(file, 'a\n\nb\\\n');
    await expect(read(['exclude-from', file])).rejects.toEqual(refused('ERR_XFER_USAGE', `${file}:3`));
  });

  it('are refused from a file that is too large, or no text', async () => {
    await writeFile(file, Buffer.alloc(scanDefaults.maxFilterBytes + 1, '\n'));
    await expect(read(['exclude-from', file])).rejects.toEqual(refused('ERR_XFER_USAGE', '1 MiB'));
    await writeFile(file, Buffer.from([0x61, 0xff]));
    await expect(read(['exclude-from', file])).rejects.toEqual(refused('ERR_XFER_USAGE', 'not UTF-8'));
    await writeFile(file, Buffer.alloc(scanDefaults.maxFilterBytes, '\n'));
    expect((await read(['exclude-from', file]))?.excludes('a', false)).toBe(false);
  });

  it('are refused with the error of the file', async () => {
    await expect(read(['exclude-from', file])).rejects.toEqual(refused('ERR_XFER_NOT_FOUND', file));
    await mkdir(file);
    await expect(read(['exclude-from', file])).rejects.toEqual(refused('ERR_XFER_IS_DIRECTORY', file));
  });

  it('are read from stdin once', async () => {
    await expect(read(['exclude-from', '-'], ['exclude-from', '-'])).rejects.toEqual(
      refused('ERR_XFER_USAGE', 'only once'),
    );
  });

  it('are not read any more when the user has stopped', async () => {
    await writeFile(file, 'a');
    const stopped = AbortSignal.abort(refused('ERR_XFER_INTERRUPTED', ''));
    await expect(readFilter([{ kind: 'exclude-from', value: file }], stopped)).rejects.toEqual(
      refused('ERR_XFER_INTERRUPTED', ''),
    );
  });
});
