import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HardLinks } from '../../../src/transfer/hard-links.js';
import { filterOf, scanned } from './scan-kit.js';
import { entryKind } from '../../../src/transfer/entry-codec.js';
import { temporaryDirectory } from './transfer-kit.js';

describe('second names', () => {
  it('carry the id of the first, across directories and given paths', async () => {
    const top = await temporaryDirectory();
    for (const name of ['d', 'e']) await mkdir(join(top, name));
    await writeFile(join(top, 'd', 'one'), 'content');
    await writeFile(join(top, 'd', 'single'), 'content');
    await link(join(top, 'd', 'one'), join(top, 'd', 'two'));
    await link(join(top, 'd', 'one'), join(top, 'e', 'three'));
    await symlink('one', join(top, 'd', 'symbolic'));
    await link(join(top, 'd', 'symbolic'), join(top, 'e', 'symbolic'));
    const { entries } = await scanned([join(top, 'd'), join(top, 'e')]);
    const first = entries.find(({ path }) => path === 'd/one')?.id;
    expect(first).toBeDefined();
    expect(entries.filter(({ linkOf }) => linkOf !== undefined)).toEqual([
      expect.objectContaining({
        path: 'd/two',
        kind: entryKind.hardLink,
        linkOf: first,
        target: 'd/one',
        size: 0,
      }),
      expect.objectContaining({
        path: 'e/three',
        kind: entryKind.hardLink,
        linkOf: first,
        target: 'd/one',
        size: 0,
      }),
    ]);
  });

  it('are not what is given twice', async () => {
    const top = await temporaryDirectory();
    await writeFile(join(top, 'file'), '');
    const { entries } = await scanned([top, join(top, 'file')]);
    expect(entries.map(({ linkOf }) => linkOf)).toEqual([undefined, undefined, undefined]);
  });

  it('of what was excluded are first names', async () => {
    const top = await temporaryDirectory();
    await writeFile(join(top, 'a'), '');
    for (const name of ['b', 'c']) await link(join(top, 'a'), join(top, name));
    const { entries } = await scanned([top], { filter: filterOf('a') });
    expect(entries.map(({ linkOf }) => linkOf)).toEqual([undefined, undefined, 1]);
  });

  it('are files of their own past the bound', async () => {
    const top = await temporaryDirectory();
    for (const name of ['a', 'b']) {
      await writeFile(join(top, `${name}1`), '');
      await link(join(top, `${name}1`), join(top, `${name}2`));
    }
    const { entries } = await scanned([top], { mostHardLinks: 1 });
    expect(entries.slice(1).map(({ linkOf }) => linkOf)).toEqual([undefined, 1, undefined, undefined]);
  });
});

describe('the table', () => {
  const file = fc.tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom(0, 1, 2 ** 32 - 1),
    fc.integer({ min: 0, max: 2000 }).map((n) => (n * 4096) % 2 ** 32),
  );

  it('knows every file that it met, and no other', () => {
    fc.assert(
      fc.property(fc.array(file, { maxLength: 4000, size: 'max' }), (files) => {
        const [table, model] = [new HardLinks(1e6), new Map<string, number>()];
        for (const [id, [dev, high, low]] of files.entries()) {
          const key = `${dev} ${high} ${low}`;
          expect(table.firstOf(dev, high, low, id)).toBe(model.get(key));
          if (!model.has(key)) model.set(key, id);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('knows so many at most, and goes on to know those', () => {
    const table = new HardLinks(3000);
    for (let n = 0; n < 5000; n++) expect(table.firstOf(7, 0, n, n)).toBeUndefined();
    for (let n = 0; n < 5000; n++) expect(table.firstOf(7, 0, n, 9999)).toBe(n < 3000 ? n : undefined);
  });
});
