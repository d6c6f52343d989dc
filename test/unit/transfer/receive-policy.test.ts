import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { nativeApi } from '../../../src/native/index.js';
import { DirectoryCache } from '../../../src/transfer/directory-cache.js';
import { entryKind } from '../../../src/transfer/entry-codec.js';
import { checkAmount, OverwritePolicy, type ReceivePolicy } from '../../../src/transfer/receive-policy.js';
import { failure } from './rogue-kit.js';
import { entry, temporaryDirectory, withFiles } from './transfer-kit.js';

const { files } = nativeApi();
const nobody = () => false;
type Answer = Awaited<ReturnType<NonNullable<ReceivePolicy['ask']>>>;

async function begin(policy: ReceivePolicy, kindOf = files.kindOf.bind(files)) {
  const top = await temporaryDirectory();
  const root = await files.openRoot(top);
  const native = withFiles({ kindOf });
  const directories = new DirectoryCache(native.files, root);
  onTestFinished(async () => {
    await directories.close();
    await files.close(root);
  });
  return { top, overwrite: new OverwritePolicy(native.files, directories, policy) };
}

const asking = (...answers: readonly Answer[]) => {
  const left = [...answers];
  return vi.fn((_: string) => Promise.resolve(left.shift() ?? { answer: 'never' as const, forAll: false }));
};

describe('what stands where an entry should go', () => {
  it('is replaced where nothing else was said, and not even looked at', async () => {
    const kindOf = vi.fn(files.kindOf.bind(files));
    for (const policy of [{}, { overwrite: 'always' } as const]) {
      const { top, overwrite } = await begin(policy, kindOf);
      await writeFile(join(top, 'a'), '');
      expect(await overwrite.decide(entry(0, 'a'), nobody)).toEqual({ kind: 'write' });
      expect(overwrite.mayReplace('a')).toBe(true);
    }
    expect(kindOf).not.toHaveBeenCalled();
  });

  it.each(['never', 'rename', 'ask'] as const)('is not in the way where it is nothing (%s)', async (mode) => {
    const ask = asking();
    const { top, overwrite } = await begin({ overwrite: mode, ask });
    await mkdir(join(top, 'd'));
    expect(await overwrite.decide(entry(0, 'd/a'), nobody)).toEqual({ kind: 'write' });
    expect(await overwrite.decide(entry(1, 'a'), nobody)).toEqual({ kind: 'write' });
    expect([overwrite.mayReplace('a'), ask.mock.calls]).toEqual([false, []]);
  });

  it.each(['never', 'rename', 'ask'] as const)('is no matter for a directory (%s)', async (mode) => {
    const { top, overwrite } = await begin({ overwrite: mode });
    await mkdir(join(top, 'd'));
    const directory = entry(0, 'd', { kind: entryKind.directory });
    expect(await overwrite.decide(directory, nobody)).toEqual({ kind: 'write' });
  });

  it.each([entryKind.file, entryKind.link, entryKind.hardLink])('stays: for kind %d', async (kind) => {
    const { top, overwrite } = await begin({ overwrite: 'never' });
    await mkdir(join(top, 'd'));
    await writeFile(join(top, 'd', 'file'), '');
    await symlink('nowhere', join(top, 'd', 'link'));
    for (const path of ['d', 'd/file', 'd/link'])
      expect(await overwrite.decide(entry(0, path, { kind }), nobody), path).toMatchObject({ kind: 'leave' });
  });

  it('cannot be seen where the directory is a link', async () => {
    const { top, overwrite } = await begin({ overwrite: 'never' });
    await symlink('/tmp', join(top, 'd'));
    await expect(overwrite.decide(entry(0, 'd/a'), nobody)).rejects.toThrow();
  });
});

describe('another name', () => {
  it.each([
    ['photo.jpg', 'photo (1).jpg'],
    ['a.tar.gz', 'a.tar (1).gz'],
    ['plain', 'plain (1)'],
    ['.profile', '.profile (1)'],
    ['.profile.old', '.profile (1).old'],
    ['ends.', 'ends (1).'],
  ])('for %s is %s, in the same directory', async (name, expected) => {
    const { top, overwrite } = await begin({ overwrite: 'rename' });
    await mkdir(join(top, 'd.d'));
    await writeFile(join(top, 'd.d', name), '');
    const path = `d.d/${expected}`;
    expect(await overwrite.decide(entry(0, `d.d/${name}`), nobody)).toEqual({ kind: 'rename', path });
  });

  it('is one that nothing has, there or in the transfer', async () => {
    const { top, overwrite } = await begin({ overwrite: 'rename' });
    for (const name of ['a.b', 'a (1).b', 'a (3).b']) await writeFile(join(top, name), '');
    const isTaken = (path: string) => path === 'a (2).b';
    expect(await overwrite.decide(entry(0, 'a.b'), isTaken)).toEqual({ kind: 'rename', path: 'a (4).b' });
  });

  it('is looked for a thousand times, no more', async () => {
    const { top, overwrite } = await begin({ overwrite: 'rename' });
    await writeFile(join(top, 'a'), '');
    const isTaken = vi.fn((_: string) => true);
    expect(await overwrite.decide(entry(0, 'a'), isTaken)).toMatchObject({ kind: 'leave' });
    expect([isTaken.mock.calls.length, isTaken.mock.lastCall]).toEqual([1000, ['a (1000)']]);
  });
});

describe('a receiver that asks', () => {
  it('does what was answered, path by path', async () => {
    const ask = asking(
      { answer: 'always', forAll: false },
      { answer: 'rename', forAll: false },
      { answer: 'never', forAll: false },
    );
    const { top, overwrite } = await begin({ overwrite: 'ask', ask });
    await writeFile(join(top, 'a'), '');
    const kinds = [];
    for (let i = 0; i < 3; i++) kinds.push((await overwrite.decide(entry(i, 'a'), nobody)).kind);
    expect(kinds).toEqual(['write', 'rename', 'leave']);
    expect(ask.mock.calls).toEqual([['a'], ['a'], ['a']]);
  });

  it.each([
    ['always', 'write'],
    ['never', 'leave'],
    ['rename', 'rename'],
  ] as const)('asks no more after an answer for all: %s', async (answer, kind) => {
    const ask = asking({ answer, forAll: true });
    const { top, overwrite } = await begin({ overwrite: 'ask', ask });
    await writeFile(join(top, 'a'), '');
    for (let i = 0; i < 3; i++) expect(await overwrite.decide(entry(i, 'a'), nobody)).toMatchObject({ kind });
    expect(ask).toHaveBeenCalledOnce();
    expect([overwrite.mayReplace('a'), overwrite.mayReplace('b')]).toEqual(
      answer === 'always' ? [true, true] : [false, false],
    );
  });

  it('leaves everything where nobody can be asked', async () => {
    const { top, overwrite } = await begin({ overwrite: 'ask' });
    await writeFile(join(top, 'a'), '');
    expect(await overwrite.decide(entry(0, 'a'), nobody)).toMatchObject({ kind: 'leave' });
  });

  it('shows names that do nothing to a terminal', async () => {
    const ask = asking();
    const { top, overwrite } = await begin({ overwrite: 'ask', ask });
    await writeFile(join(top, 'a\u001b[31m'), '');
    await overwrite.decide(entry(0, 'a\u001b[31m'), nobody);
    expect(ask.mock.lastCall?.[0]).not.toContain('\u001b');
  });
});

describe('an amount', () => {
  it('is taken up to what is allowed', () => {
    expect(checkAmount({}, Number.MAX_SAFE_INTEGER, 10_000_000)).toBeUndefined();
    expect(checkAmount({ maxBytes: 10, maxFiles: 2 }, 10, 2)).toBeUndefined();
    expect(checkAmount({ maxBytes: 0, maxFiles: 0 }, 0, 0)).toBeUndefined();
  });

  it.each<[string, ReceivePolicy, string]>([
    ['bytes', { maxBytes: 9 }, '9'],
    ['files', { maxFiles: 1 }, '1 files'],
    ['any of both', { maxBytes: 0, maxFiles: 0 }, '0'],
  ])('is refused past it: %s', (_, policy, words) => {
    const error = checkAmount(policy, 10, 2);
    expect(error).toEqual(failure('ERR_XFER_REFUSED'));
    expect(error?.message).toContain(words);
  });
});
