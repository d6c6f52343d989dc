import { describe, expect, it, vi } from 'vitest';
import type * as Config from '../../../src/config/index.js';
import { entryKind, type ManifestEntry } from '../../../src/transfer/entry-codec.js';
import { ManifestCheck } from '../../../src/transfer/manifest-check.js';
import { failure } from './rogue-kit.js';
import { entry } from './transfer-kit.js';

const mostEntries = vi.hoisted(() => 5);
vi.mock('../../../src/config/index.js', async (original) => {
  const config = await original<typeof Config>();
  return { ...config, transferDefaults: { ...config.transferDefaults, maxEntries: mostEntries } };
});

const directory = (id: number, path: string) => entry(id, path, { kind: entryKind.directory });
const link = (id: number, path: string, target: string) => entry(id, path, { kind: entryKind.link, target });
const taken = (check: ManifestCheck, ...entries: ManifestEntry[]) => {
  const checked = check.batch(entries);
  if (checked instanceof Error) throw checked;
  return checked;
};

describe('a manifest', () => {
  it('is taken in batches whose entries are numbered through', () => {
    const check = new ManifestCheck();
    const first = [directory(0, 'd'), entry(1, 'd/a', { size: 7 })];
    expect(taken(check, ...first)).toEqual({ entries: first, leftOut: [] });
    expect(taken(check, link(2, 'd/l', 'a')).entries).toHaveLength(1);
    expect(check.entries).toBe(3);
  });

  it('is written in normal form', () => {
    expect(taken(new ManifestCheck(), entry(0, 'e\u0301')).entries[0]?.path).toBe('\u00e9');
  });

  it('has the same name once, in whatever form it is written', () => {
    const check = new ManifestCheck();
    taken(check, entry(0, '\u00e9'));
    expect(check.batch([entry(1, 'e\u0301')])).toEqual(failure('ERR_XFER_HOSTILE_NAME'));
  });

  it.each(['/etc/passwd', '../out', 'd/../../out', ''])(
    'leaves out a link to %j, and takes the rest',
    (target) => {
      const checked = taken(new ManifestCheck(), link(0, 'l', target), entry(1, 'a'));
      expect(checked.entries.map(({ id }) => id)).toEqual([1]);
      expect(checked.leftOut).toEqual([
        { id: 0, path: 'l', reason: expect.stringContaining('link') as string },
      ]);
    },
  );

  it('keeps the name of a link that it left out', () => {
    const check = new ManifestCheck();
    taken(check, link(0, 'l', '/etc'));
    expect(check.batch([entry(1, 'l/passwd')])).toEqual(failure('ERR_XFER_HOSTILE_NAME'));
  });

  it.each<[string, ManifestEntry]>([
    ['starts elsewhere', entry(1, 'a')],
    ['has a target and is no link', entry(0, 'a', { target: 'b' })],
    ['is a directory with a target', entry(0, 'a', { kind: entryKind.directory, target: 'b' })],
    ['is a directory with a size', entry(0, 'a', { kind: entryKind.directory, size: 1 })],
    ['is a link with a size', entry(0, 'a', { kind: entryKind.link, target: 'b', size: 1 })],
  ])('breaks the protocol where an entry %s', (_, bad) => {
    expect(new ManifestCheck().batch([bad])).toEqual(failure('ERR_XFER_PROTOCOL'));
  });

  it.each<[string, readonly number[]]>([
    ['a number twice', [0, 0]],
    ['a number left out', [0, 2]],
    ['numbers backwards', [1, 0]],
  ])('breaks the protocol with %s', (_, ids) => {
    const entries = ids.map((id, i) => entry(id, `name-${i}`));
    expect(new ManifestCheck().batch(entries)).toEqual(failure('ERR_XFER_PROTOCOL'));
  });
});

describe('the most entries of a transfer', () => {
  const all = Array.from({ length: mostEntries }, (_, id) => entry(id, `f${id}`));

  it('are taken, and one more refuses it', () => {
    const check = new ManifestCheck();
    taken(check, ...all);
    expect(check.batch([entry(mostEntries, 'more')])).toEqual(failure('ERR_XFER_LIMIT'));
    expect(new ManifestCheck().batch([...all, entry(mostEntries, 'more')])).toEqual(
      failure('ERR_XFER_LIMIT'),
    );
  });

  it('count links that are left out', () => {
    const check = new ManifestCheck();
    taken(check, ...all.map(({ id, path }) => link(id, path, '/etc')));
    expect(check.batch([entry(mostEntries, 'more')])).toEqual(failure('ERR_XFER_LIMIT'));
  });

  it('count directories that are only named on the way', () => {
    expect(new ManifestCheck().batch([entry(0, 'a/b/c/d/e')])).not.toBeInstanceOf(Error);
    expect(new ManifestCheck().batch([entry(0, 'a/b/c/d/e/f')])).toEqual(failure('ERR_XFER_LIMIT'));
  });
});
