import { lstat, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { updateMode } from '../../../src/transfer/messages.js';
import { answerOf, meetReceiver, type MetReceiver } from './rogue-kit.js';
import { entry, namesIn, temporaryDirectory } from './transfer-kit.js';

const MiB = 2 ** 20;
const begin = { update: updateMode.digest };

const offer = (met: MetReceiver, size: number) =>
  met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size, mode: 0o777 })] });
const pictureOf = async (path: string) => {
  const { ino, mode, mtimeNs, size } = await lstat(path, { bigint: true });
  return [ino, mode, mtimeNs, size];
};

describe.each(['never', 'rename'] as const)('where nothing is replaced, but %s,', (overwrite) => {
  it.each([
    'says that it is the same',
    'says so before it is asked',
    'keeps some of it',
    'sends other content',
  ])('a file that stands stays as it is, whether a sender %s', async (what) => {
    const met = await meetReceiver(undefined, { policy: { overwrite }, begin });
    const path = join(met.directory, 'a');
    await writeFile(path, Buffer.alloc(2 * MiB, 'mine'), { mode: 0o600 });
    const before = await pictureOf(path);
    offer(met, 2 * MiB);
    if (what === 'says so before it is asked') {
      met.sender.say({ type: 'compared', id: 0, isSame: true });
      expect(await answerOf(met)).toContain('ends what was not compared');
      await met.running.catch(() => undefined);
      return expect(await pictureOf(path)).toEqual(before);
    }
    const { compare } = await met.sender.hears('declared');
    // What is left out is not compared either.
    expect(compare).toEqual(overwrite === 'never' ? undefined : [[0, true]]);
    const isSame = compare !== undefined && what === 'says that it is the same';
    const from = compare && what === 'keeps some of it' ? MiB : 0;
    if (from > 0) met.sender.say({ type: 'keep', id: 0, ranges: [[0, from]] });
    if (compare) met.sender.say({ type: 'compared', id: 0, isSame });
    for (let at = from; at < 2 * MiB && !isSame; at += MiB) await met.sender.content(0, MiB, { offset: at });
    if (!isSame) met.sender.say({ type: 'finished', ids: [0] });
    met.sender.end({ entries: 1, files: 1, bytes: 2 * MiB });
    expect(await answerOf(met)).toBe('committed');
    expect(await pictureOf(path)).toEqual(before);
    expect((await readFile(path)).equals(Buffer.alloc(2 * MiB, 'mine'))).toBe(true);
    const made = overwrite === 'never' || isSame ? [] : ['a (1)'];
    expect(await namesIn(met.directory)).toEqual(['a', ...made]);
  });
});

describe('a file that is compared', () => {
  it('is never what a link leads to', async () => {
    const outside = await temporaryDirectory();
    await writeFile(join(outside, 'mine'), Buffer.alloc(2 * MiB, 'mine'), { mode: 0o600 });
    const before = await pictureOf(join(outside, 'mine'));
    const met = await meetReceiver(undefined, { begin });
    await symlink(join(outside, 'mine'), join(met.directory, 'a'));
    offer(met, 2 * MiB);
    expect((await met.sender.hears('declared')).compare).toBeUndefined();
    met.sender.say({ type: 'compared', id: 0, isSame: true });
    expect(await answerOf(met)).toContain('ends what was not compared');
    expect(await pictureOf(join(outside, 'mine'))).toEqual(before);
    expect(met.sender.heard.some(({ type }) => type === 'digests')).toBe(false);
  });

  it.each<[string, (met: MetReceiver) => void, string]>([
    [
      'keeps what is not there',
      ({ sender }) => sender.say({ type: 'keep', id: 0, ranges: [[MiB, 3 * MiB]] }),
      'keeps what is not there',
    ],
    [
      'keeps past its end',
      ({ sender }) => sender.say({ type: 'keep', id: 0, ranges: [[0, 2 ** 52]] }),
      'keeps what is not there',
    ],
    ['keeps nothing', ({ sender }) => sender.say({ type: 'keep', id: 0, ranges: [[5, 5]] }), 'keeps what'],
    [
      'keeps it twice',
      ({ sender }) =>
        sender.say({
          type: 'keep',
          id: 0,
          ranges: [
            [0, 5],
            [0, 5],
          ],
        }),
      'keeps what it sends',
    ],
    [
      'calls it the same though it is shorter',
      ({ sender }) => sender.say({ type: 'compared', id: 0, isSame: true }),
      'takes for the same what is not',
    ],
    [
      'keeps of another',
      ({ sender }) => sender.say({ type: 'keep', id: 1, ranges: [[0, 5]] }),
      'keeps what was not compared',
    ],
  ])('ends the transfer where a sender %s', async (_, lie, words) => {
    const met = await meetReceiver(undefined, { begin });
    await writeFile(join(met.directory, 'a'), Buffer.alloc(2 * MiB, 'mine'));
    const before = await pictureOf(join(met.directory, 'a'));
    offer(met, 3 * MiB);
    expect((await met.sender.hears('declared')).compare).toEqual([[0, false]]);
    lie(met);
    expect(await answerOf(met)).toContain(words);
    await met.running.catch(() => undefined);
    expect(await pictureOf(join(met.directory, 'a'))).toEqual(before);
    expect(await namesIn(met.directory)).toEqual(['a']);
  });
});
