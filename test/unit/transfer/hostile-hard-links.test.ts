import { link, lstat, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { nativeApi } from '../../../src/native/index.js';
import { entryKind, type ManifestEntry } from '../../../src/transfer/entry-codec.js';
import { twin } from '../../native/implementations.js';
import { failure, meetReceiver, refused, type MetReceiver } from './rogue-kit.js';
import { entry, namesIn, temporaryDirectory, withFiles } from './transfer-kit.js';

const { directory, hardLink, link: symbolic } = entryKind;
const second = (id: number, path: string, target: string): ManifestEntry =>
  entry(id, path, { kind: hardLink, target });
const declare = (met: MetReceiver, ...entries: ManifestEntry[]) =>
  met.sender.say({ type: 'manifest', entries });

/** Ends an honest count of these files of 5 bytes. */
async function commit(met: MetReceiver, entries: number, files: number): Promise<void> {
  met.sender.end({ entries, files, bytes: 5 * files });
  await met.sender.hears('committed');
  met.sender.session.finish();
  await met.running;
}

/** Declares a file of 5 bytes and sends it whole. */
async function sendFile(met: MetReceiver, id: number, path: string): Promise<void> {
  declare(met, entry(id, path, { size: 5 }));
  await met.sender.content(id, 5);
  met.sender.say({ type: 'finished', ids: [id] });
}

const inodeOf = async (met: MetReceiver, name: string) => (await lstat(join(met.directory, name))).ino;
const leftOut = (met: MetReceiver) =>
  met.sender.heard.flatMap((said) => (said.type === 'left-out' ? [said.id] : []));
/** What a user has there already. */
async function secretIn(met: MetReceiver, name = 'secret'): Promise<void> {
  await writeFile(join(met.directory, name), 'mine alone', { mode: 0o600 });
}
async function expectSecretAlone(met: MetReceiver, name = 'secret'): Promise<void> {
  const path = join(met.directory, name);
  expect((await lstat(path)).nlink).toBe(1);
  expect(await readFile(path, 'utf8')).toBe('mine alone');
}

describe('a hard link whose target is refused before anything is written', () => {
  const nothing = 'is another name of nothing';
  it.each<[string, string, ManifestEntry[], string]>([
    ['absolute', 'ERR_XFER_PROTOCOL', [second(0, 'h', '/etc/passwd')], nothing],
    ['a way out', 'ERR_XFER_PROTOCOL', [second(0, 'h', '../secret')], nothing],
    ['a way out behind a name', 'ERR_XFER_PROTOCOL', [second(0, 'h', 'd/../../secret')], nothing],
    ['a way about', 'ERR_XFER_PROTOCOL', [entry(0, 'a'), second(1, 'h', './a')], nothing],
    ['empty', 'ERR_XFER_PROTOCOL', [second(0, 'h', '')], nothing],
    ['a file that is there and was not offered', 'ERR_XFER_PROTOCOL', [second(0, 'h', 'secret')], nothing],
    ['a journal of ours', 'ERR_XFER_PROTOCOL', [entry(0, 'a'), second(1, 'h', '.xfer-a.journal')], nothing],
    ['itself', 'ERR_XFER_PROTOCOL', [second(0, 'h', 'h')], nothing],
    ['declared later', 'ERR_XFER_PROTOCOL', [second(0, 'h', 'a'), entry(1, 'a')], nothing],
    ['a directory', 'ERR_XFER_PROTOCOL', [entry(0, 'd', { kind: directory }), second(1, 'h', 'd')], nothing],
    ['a directory that is not said', 'ERR_XFER_PROTOCOL', [entry(0, 'd/a'), second(1, 'h', 'd')], nothing],
    ['one of a circle', 'ERR_XFER_PROTOCOL', [second(0, 'h', 'i'), second(1, 'i', 'h')], nothing],
    ['the same in capitals', 'ERR_XFER_PROTOCOL', [entry(0, 'a'), second(1, 'h', 'A')], nothing],
    [
      'its own name in capitals',
      'ERR_XFER_HOSTILE_NAME',
      [entry(0, 'a'), second(1, 'A', 'a')],
      'only in case',
    ],
    ['its own name', 'ERR_XFER_HOSTILE_NAME', [entry(0, 'a'), second(1, 'a', 'a')], 'twice'],
    [
      'sent, below a name that is a file',
      'ERR_XFER_HOSTILE_NAME',
      [entry(0, 'a'), second(1, 'a/h', 'a')],
      '',
    ],
  ])('is %s', async (_, code, entries, words) => {
    const met = await meetReceiver();
    await secretIn(met);
    declare(met, ...entries);
    await refused(met, code, words, ['secret']);
    await expectSecretAlone(met);
  });

  it('has a size', async () => {
    const met = await meetReceiver();
    declare(met, entry(0, 'a'), { ...second(1, 'h', 'a'), size: 1 });
    await refused(met, 'ERR_XFER_PROTOCOL', 'has a size');
  });
});

describe.each([
  ['native', nativeApi()],
  ['the twin', withFiles(twin.files)],
])('a hard link, %s,', (_, native) => {
  it('is another name of a file that was sent, and of one that is another name', async () => {
    const met = await meetReceiver(native);
    await sendFile(met, 0, 'a');
    declare(met, second(1, 'h', 'a'), second(2, 'i', 'h'));
    await commit(met, 3, 1);
    expect(new Set(await Promise.all(['a', 'h', 'i'].map((name) => inodeOf(met, name)))).size).toBe(1);
    expect(await namesIn(met.directory)).toEqual(['a', 'h', 'i']);
  });

  it('is made although another name of the same file stands there, and nothing else is left', async () => {
    const met = await meetReceiver(native, { begin: { update: 1 } });
    await writeFile(join(met.directory, 'a'), 'aaaaa');
    await link(join(met.directory, 'a'), join(met.directory, 'h'));
    await sendFile(met, 0, 'a');
    declare(met, second(1, 'h', 'a'));
    await commit(met, 2, 1);
    expect(await inodeOf(met, 'a')).toBe(await inodeOf(met, 'h'));
    expect(await namesIn(met.directory)).toEqual(['a', 'h']);
  });

  it('takes the place of a link that leads out, and never follows it', async () => {
    const met = await meetReceiver(native);
    const outside = await temporaryDirectory();
    await secretIn({ ...met, directory: outside });
    await symlink(join(outside, 'secret'), join(met.directory, 'h'));
    await sendFile(met, 0, 'a');
    declare(met, second(1, 'h', 'a'));
    await commit(met, 2, 1);
    expect(await namesIn(met.directory)).toEqual(['a', 'h']);
    await expectSecretAlone({ ...met, directory: outside });
  });

  it('is left out where its target is a link that is sent', async () => {
    const met = await meetReceiver(native);
    await secretIn(met);
    declare(met, entry(0, 'x', { kind: symbolic, target: 'secret' }), second(1, 'h', 'x'));
    await commit(met, 2, 0);
    expect(leftOut(met)).toEqual([1]);
    expect(await namesIn(met.directory)).toEqual(['secret', 'x -> secret']);
    await expectSecretAlone(met);
  });

  it.each(['the file', 'its directory'])(
    'is not made through a link that was planted meanwhile in the place of %s',
    async (place) => {
      const met = await meetReceiver(native);
      const outside = await temporaryDirectory();
      await secretIn({ ...met, directory: outside }, 'a');
      declare(met, entry(0, 'd', { kind: directory }));
      await sendFile(met, 1, 'd/a');
      await vi.waitFor(async () => expect(await namesIn(met.directory)).toContain('d/a'));
      const planted = join(met.directory, place === 'the file' ? 'd/a' : 'd');
      await rename(planted, join(await temporaryDirectory(), 'moved'));
      await symlink(place === 'the file' ? join(outside, 'a') : outside, planted);
      declare(met, second(2, 'h', 'd/a'));
      met.sender.end({ entries: 3, files: 1, bytes: 5 });
      // Of the directory it holds the one that was there: the link leads nowhere, and the name comes of the real file.
      await vi.waitFor(() =>
        expect(met.sender.heard.some(({ type }) => type === 'committed' || type === 'abort')).toBe(true),
      );
      met.sender.session.finish();
      await met.running.catch(() => undefined);
      await expectSecretAlone({ ...met, directory: outside }, 'a');
      if (place === 'the file') expect(await namesIn(met.directory)).not.toContain('h');
    },
  );

  it.each<[string, (met: MetReceiver) => void]>([
    [
      'which the sender gave up',
      ({ sender }) => {
        sender.say({ type: 'manifest', entries: [entry(0, 'secret', { size: 5 })] });
        sender.say({ type: 'failed', id: 0 });
      },
    ],
    [
      'which is a link that was left out',
      ({ sender }) =>
        sender.say({
          type: 'manifest',
          entries: [entry(0, 'secret', { kind: symbolic, target: '/etc/passwd' })],
        }),
    ],
  ])('never names a file that was not sent: %s', async (_what, offer) => {
    const met = await meetReceiver(native);
    await secretIn(met);
    offer(met);
    declare(met, second(1, 'h', 'secret'), second(2, 'i', 'h'));
    await commit(met, 3, 0);
    expect(leftOut(met)).toEqual(expect.arrayContaining([1, 2]));
    expect(await namesIn(met.directory)).toEqual(['secret']);
    await expectSecretAlone(met);
  });

  it('never names a file that was not sent: which stood there and was not to be replaced', async () => {
    const met = await meetReceiver(native, { policy: { overwrite: 'never' } });
    await secretIn(met);
    declare(met, entry(0, 'secret', { size: 5 }), second(1, 'h', 'secret'));
    await met.sender.hears('declared');
    await met.sender.content(0, 5);
    met.sender.say({ type: 'finished', ids: [0] });
    await commit(met, 2, 0);
    expect(leftOut(met)).toEqual([0, 1]);
    expect(await namesIn(met.directory)).toEqual(['secret']);
    await expectSecretAlone(met);
  });

  it('never names a file that was not sent: under a name of which another name was left out', async () => {
    const met = await meetReceiver(native, { policy: { overwrite: 'never' } });
    await secretIn(met);
    await sendFile(met, 0, 'a');
    declare(met, second(1, 'secret', 'a'), second(2, 'h', 'secret'));
    await commit(met, 3, 1);
    expect(leftOut(met)).toEqual([1, 2]);
    expect(await namesIn(met.directory)).toEqual(['a', 'secret']);
    await expectSecretAlone(met);
  });

  it('leaves a directory alone that stands in its place, and no temporary name', async () => {
    const met = await meetReceiver(native);
    await mkdir(join(met.directory, 'h'));
    await secretIn(met, 'h/secret');
    await sendFile(met, 0, 'a');
    declare(met, second(1, 'h', 'a'));
    met.sender.end({ entries: 2, files: 1, bytes: 5 });
    await refused(met, 'ERR_XFER_IS_DIRECTORY', 'h', ['a', 'h/', 'h/secret']);
    await expectSecretAlone(met, 'h/secret');
  });

  it('into a directory that is not there ends the transfer', async () => {
    const met = await meetReceiver(native);
    await sendFile(met, 0, 'a');
    declare(met, second(1, 'd/h', 'a'));
    met.sender.end({ entries: 2, files: 1, bytes: 5 });
    await met.sender.isTold();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_NOT_FOUND'));
    expect(await namesIn(met.directory)).toEqual(['a']);
  });
});
