import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeApi } from '../../../src/native/index.js';
import { entryKind } from '../../../src/transfer/entry-codec.js';
import { updateMode } from '../../../src/transfer/messages.js';
import { twin } from '../../native/implementations.js';
import { meetReceiver, refused, type MetReceiver } from './rogue-kit.js';
import { entry, namesIn, temporaryDirectory, withFiles } from './transfer-kit.js';

const directory = (id: number, path: string) => entry(id, path, { kind: entryKind.directory, mode: 0o755 });
const removing = { update: updateMode.stamp, remove: true };
const consent = { removes: true };

/** What the user has: `mine/` with files and directories, and a file beside it. */
async function fill(root: string): Promise<void> {
  await mkdir(join(root, 'mine/deep/deeper'), { recursive: true });
  for (const name of ['beside', 'mine/file', 'mine/deep/file', 'mine/deep/deeper/file'])
    await writeFile(join(root, name), 'mine');
}
const all = [
  'beside',
  'mine/',
  'mine/deep/',
  'mine/deep/deeper/',
  'mine/deep/deeper/file',
  'mine/deep/file',
  'mine/file',
];

async function commit(met: MetReceiver, entries: number, remove = true): Promise<void> {
  met.sender.end({ entries, remove });
  await met.sender.hears('committed');
  met.sender.session.finish();
  await met.running;
}

describe('a sender that deletes', () => {
  it.each([
    ['without consent', {}, removing],
    ['without an update', consent, { update: updateMode.none, remove: true }],
    ['with neither', {}, { update: updateMode.none, remove: true }],
  ])('is refused before anything is written: %s', async (_, policy, begin) => {
    const met = await meetReceiver(undefined, { policy, begin });
    await fill(met.directory);
    met.sender.say({ type: 'manifest', entries: [directory(0, 'mine'), directory(1, 'new')] });
    met.sender.end({ entries: 2, remove: true });
    await refused(met, 'ERR_XFER_REFUSED', 'nothing is deleted here', all);
  });

  it.each([
    ['without consent', {}, { update: updateMode.stamp }],
    ['in what is no update', consent, {}],
    ['in an update', consent, { update: updateMode.stamp }],
    ['in a comparison', consent, { update: updateMode.digest }],
  ])('ends the transfer where it did not say so when it began: %s', async (_, policy, begin) => {
    const met = await meetReceiver(undefined, { policy, begin });
    await fill(met.directory);
    met.sender.say({ type: 'manifest', entries: [directory(0, 'mine')] });
    met.sender.end({ entries: 1, remove: true });
    await refused(met, 'ERR_XFER_PROTOCOL', 'did not say so when it began', all);
  });

  it('may say so, and not do it', async () => {
    const met = await meetReceiver(undefined, { policy: consent, begin: removing });
    await fill(met.directory);
    met.sender.say({ type: 'manifest', entries: [directory(0, 'mine')] });
    await commit(met, 1, false);
    expect(await namesIn(met.directory)).toEqual(all);
  });

  it('deletes nothing where its end does not add up', async () => {
    const met = await meetReceiver(undefined, { policy: consent, begin: removing });
    await fill(met.directory);
    met.sender.say({ type: 'manifest', entries: [directory(0, 'mine')] });
    met.sender.end({ entries: 1, files: 1, remove: true });
    await refused(met, 'ERR_XFER_TRUNCATED', 'not what it counts', all);
  });

  it('deletes nothing where it leaves without an end', async () => {
    const met = await meetReceiver(undefined, { policy: consent, begin: removing });
    await fill(met.directory);
    met.sender.say({ type: 'manifest', entries: [directory(0, 'mine')] });
    await met.sender.hears('declared');
    met.sender.session.finish();
    await expect(met.running).rejects.toMatchObject({ code: 'ERR_XFER_TRUNCATED' });
    expect(await namesIn(met.directory)).toEqual(all);
  });

  it('cannot name the directory that is received into', async () => {
    for (const path of ['', '.', '/', './', 'mine/..']) {
      const met = await meetReceiver(undefined, { policy: consent, begin: removing });
      await fill(met.directory);
      met.sender.say({ type: 'manifest', entries: [directory(0, path)] });
      await refused(met, 'ERR_XFER_HOSTILE_NAME', '', all);
    }
  });
});

describe.each([
  ['native', nativeApi()],
  ['the twin', withFiles(twin.files)],
])('what a sender deletes, %s,', (_, native) => {
  const meet = async (): Promise<MetReceiver> => {
    const met = await meetReceiver(native, { policy: consent, begin: removing });
    await fill(met.directory);
    return met;
  };

  it('is below directories that it offered, those that were merely on the way excepted', async () => {
    const met = await meet();
    met.sender.say({ type: 'manifest', entries: [directory(0, 'mine/deep')] });
    await commit(met, 1);
    expect(await namesIn(met.directory)).toEqual(['beside', 'mine/', 'mine/deep/', 'mine/file']);
  });

  it('is nothing in what it offers another name of', async () => {
    const met = await meet();
    met.sender.say({ type: 'manifest', entries: [directory(0, 'other'), directory(1, 'mine/DEEP')] });
    await commit(met, 2);
    expect(await namesIn(met.directory)).toEqual(expect.arrayContaining(all));
  });

  it('is a link itself, never what it leads to', async () => {
    const met = await meet();
    const outside = await temporaryDirectory();
    await fill(outside);
    const links = { 'mine/out': outside, 'mine/up': '..', 'mine/leaf': join(outside, 'beside') };
    for (const [name, target] of Object.entries(links)) await symlink(target, join(met.directory, name));
    await symlink(join(outside, 'mine'), join(met.directory, 'mine/deep/deeper/out'));
    await symlink('nowhere', join(met.directory, 'mine/deep/dangling'));
    met.sender.say({ type: 'manifest', entries: [directory(0, 'mine')] });
    await commit(met, 1);
    expect(await namesIn(met.directory)).toEqual(['beside', 'mine/']);
    expect(await namesIn(outside)).toEqual(all);
  });

  it('is nothing where a link stands in the place of a directory that it offers', async () => {
    const met = await meet();
    const outside = await temporaryDirectory();
    await fill(outside);
    await symlink(join(outside, 'mine'), join(met.directory, 'out'));
    met.sender.say({ type: 'manifest', entries: [directory(0, 'mine'), directory(1, 'out')] });
    met.sender.end({ entries: 2, remove: true });
    expect(await met.sender.isTold()).toContain('ERR_XFER_NOT_DIRECTORY');
    await met.running.catch(() => undefined);
    expect(await namesIn(outside)).toEqual(all);
    expect(await namesIn(met.directory)).toEqual(expect.arrayContaining(all));
  });

  it('is never what is of xfer itself, at any depth', async () => {
    const met = await meet();
    const own = ['mine/.xfer-1.part', 'mine/deep/.xfer-2.journal'];
    for (const name of own) await writeFile(join(met.directory, name), 'of another transfer');
    met.sender.say({ type: 'manifest', entries: [directory(0, 'mine')] });
    await commit(met, 1);
    expect(await namesIn(met.directory)).toEqual(['beside', 'mine/', own[0], 'mine/deep/', own[1]]);
  });

  it('is not a name that is no text, and what is around it goes', async () => {
    const met = await meet();
    const name = Buffer.concat([Buffer.from(join(met.directory, 'mine/deep/')), Buffer.of(0xff, 0xfe)]);
    await writeFile(name, 'mine');
    met.sender.say({ type: 'manifest', entries: [directory(0, 'mine')] });
    await commit(met, 1);
    expect(await readFile(name, 'utf8')).toBe('mine');
    expect(await readdir(join(met.directory, 'mine'))).toEqual(['deep']);
    expect(await readdir(join(met.directory, 'mine/deep'))).toHaveLength(1);
  });
});
