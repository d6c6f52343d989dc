import { lstat, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { entryKind, type ManifestEntry } from '../../../src/transfer/entry-codec.js';
import { compress } from '../../../src/transfer/lz4.js';
import { twin } from '../../native/implementations.js';
import { failure, meetReceiver, refused, type MetReceiver } from './rogue-kit.js';
import { entry, namesIn, temporaryDirectory, withFiles } from './transfer-kit.js';

const packed = 1;
const compressed = 2;
const missing = 0xffffffff;

/** A pack of these files: ids, and contents or what their length is said to be. */
function pack(first: number, files: readonly (readonly [id: number, content: string | number])[]): Buffer {
  const table = Buffer.alloc(4 + 8 * files.length);
  table.writeUInt32BE(files.length);
  files.forEach(([id, content], i) => {
    table.writeUInt32BE(id - first, 4 + 8 * i);
    table.writeUInt32BE(typeof content === 'string' ? content.length : content, 8 + 8 * i);
  });
  const contents = files.map(([, content]) => (typeof content === 'string' ? content : ''));
  return Buffer.concat([table, Buffer.from(contents.join(''))]);
}

const declare = (met: MetReceiver, ...entries: ManifestEntry[]) =>
  met.sender.say({ type: 'manifest', entries });
const five = (id: number, path: string) => entry(id, path, { size: 5 });
/** Sends a body as a pack of the files `first` to `last`. */
const send = (met: MetReceiver, body: Uint8Array, [first, last]: [number, number], layout = packed) =>
  met.sender.body(body, { entry: first, offset: last, layout });
const undeclared = 'packs files that it did not declare';
const ofNoFile = 'content that was not declared';

describe.each([
  ['native', nativeApi()],
  ['the twin', withFiles(twin.files)],
])('a pack, %s,', (_, native) => {
  it('is taken as a whole, compressed or not', async () => {
    const met = await meetReceiver(native);
    declare(met, five(0, 'a'), five(1, 'b'), five(2, 'c'));
    await send(met, pack(0, [[0, 'first'], [1, 'secon']]), [0, 1]); // prettier-ignore
    await send(met, await compress(pack(2, [[2, 'third']])), [2, 2], packed | compressed);
    met.sender.end({ entries: 3, files: 3, bytes: 15 });
    await met.sender.hears('committed');
    expect(await readFile(join(met.directory, 'c'), 'utf8')).toBe('third');
    expect(await namesIn(met.directory)).toEqual(['a', 'b', 'c']);
  });

  it.each<[string, (met: MetReceiver) => Promise<void>, string, string[]]>([
    ['has a file that is too long', (met) => send(met, pack(0, [[0, 'longer']]), [0, 0]), undeclared, []],
    ['has a file that is too short', (met) => send(met, pack(0, [[0, 'four']]), [0, 0]), undeclared, []],
    [
      'has a file twice',
      (met) => send(met, pack(0, [[0, 'first'], [0, 'again']]), [0, 0]), // prettier-ignore
      undeclared,
      [],
    ],
    [
      'has files out of order',
      (met) => send(met, pack(0, [[1, 'secon'], [0, 'first']]), [1, 0]), // prettier-ignore
      undeclared,
      [],
    ],
    ['has a directory', (met) => send(met, pack(2, [[2, '']]), [2, 2]), ofNoFile, ['d/']],
    [
      'has a directory among files',
      (met) => send(met, pack(0, [[0, 'first'], [2, 'xxxxx'], [4, 'fifth']]), [0, 4]), // prettier-ignore
      undeclared,
      ['d/'],
    ],
    ['has a link', (met) => send(met, pack(3, [[3, '']]), [3, 3]), ofNoFile, ['d/', 'l -> a']],
    [
      'ends in another file than it says',
      (met) => send(met, pack(0, [[0, 'first']]), [0, 1]),
      undeclared,
      [],
    ],
    [
      'begins with another file than it says',
      (met) => send(met, pack(1, [[1, 'secon']]), [0, 1]),
      undeclared,
      [],
    ],
    ['says more than it has', (met) => send(met, pack(0, [[0, 5]]), [0, 0]), undeclared, []],
    [
      'has more than it says',
      (met) => send(met, Buffer.concat([pack(0, [[0, 'first']]), Buffer.from('x')]), [0, 0]),
      undeclared,
      [],
    ],
    ['is of no files', (met) => send(met, Buffer.alloc(4), [0, 0]), undeclared, []],
    ['is empty', (met) => send(met, Buffer.alloc(0), [0, 0]), undeclared, []],
    [
      'is of more files than it has room for',
      (met) => send(met, Buffer.from('ffffffff00000000', 'hex'), [0, 0]),
      undeclared,
      [],
    ],
    [
      'is no compressed body',
      (met) => send(met, Buffer.alloc(64, 0xa5), [0, 0], packed | compressed),
      'compresses what is no record',
      [],
    ],
    [
      'is too short for a compressed body',
      (met) => send(met, Buffer.alloc(4, 1), [0, 0], packed | compressed),
      'compresses what is no record',
      [],
    ],
    [
      'is garbage behind a length',
      (met) => {
        const body = Buffer.alloc(64, 0xff);
        body.writeUInt32LE(17);
        return send(met, body, [0, 0], packed | compressed);
      },
      'no LZ4',
      [],
    ],
    [
      'grows past a record',
      async (met) => {
        const body = await compress(Buffer.alloc(sessionDefaults.recordBytes + 1));
        await send(met, body, [0, 0], packed | compressed);
      },
      'compresses what is no record',
      [],
    ],
    [
      'grows past what it says',
      async (met) => {
        const body = await compress(Buffer.alloc(1000));
        body.writeUInt32LE(17);
        await send(met, body, [0, 0], packed | compressed);
      },
      'no LZ4',
      [],
    ],
    [
      'is less than it says',
      async (met) => {
        const body = await compress(pack(0, [[0, 'first']]));
        body.writeUInt32LE(sessionDefaults.recordBytes);
        await send(met, body, [0, 0], packed | compressed);
      },
      'no LZ4',
      [],
    ],
    [
      'is a compressed pack with a file that was not declared',
      async (met) =>
        send(met, await compress(pack(0, [[0, 'first'], [2, 'dir..']])), [0, 2], packed | compressed), // prettier-ignore
      ofNoFile,
      ['d/'],
    ],
    [
      'has a layout that there is not',
      (met) => send(met, pack(0, [[0, 'first']]), [0, 0], 5),
      'content that was not declared',
      [],
    ],
  ])('ends the transfer where it %s', async (_what, lie, words, names) => {
    const met = await meetReceiver(native);
    const link = entry(3, 'l', { kind: entryKind.link, target: 'a' });
    const all = [five(0, 'a'), five(1, 'b'), entry(2, 'd', { kind: entryKind.directory }), link];
    declare(met, ...all, five(4, 'e'));
    await met.sender.hears('declared');
    await lie(met);
    expect(await met.sender.isTold()).toContain(words);
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
    expect(await namesIn(met.directory)).toEqual(expect.arrayContaining(names));
    for (const name of ['a', 'b', 'e']) expect(await namesIn(met.directory)).not.toContain(name);
  });

  it.each([
    ['again in another pack', packed],
    ['again by itself', 0],
  ])('ends the transfer where a file comes %s', async (_what, layout) => {
    const met = await meetReceiver(native);
    declare(met, five(0, 'a'));
    await met.sender.hears('declared');
    await send(met, pack(0, [[0, 'first']]), [0, 0]);
    await (layout === packed ? send(met, pack(0, [[0, 'again']]), [0, 0]) : met.sender.content(0, 5));
    await met.sender.isTold();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
    const names = await namesIn(met.directory);
    if (names.length > 0) expect(await readFile(join(met.directory, 'a'), 'utf8')).toBe('first');
  });

  it('ends the transfer where part of a file came by itself before', async () => {
    const met = await meetReceiver(native);
    declare(met, five(0, 'a'));
    await met.sender.hears('declared');
    await met.sender.content(0, 2);
    await send(met, pack(0, [[0, 'first']]), [0, 0]);
    await refused(met, 'ERR_XFER_PROTOCOL', '');
  });

  it('ends the transfer where a file of it was confirmed', async () => {
    const met = await meetReceiver(native);
    declare(met, five(0, 'a'));
    met.sender.say({ type: 'finished', ids: [0] });
    await send(met, pack(0, [[0, 'first']]), [0, 0]);
    await refused(met, 'ERR_XFER_PROTOCOL', undeclared);
  });

  it('of what is never declared ends with the transfer', async () => {
    const met = await meetReceiver(native);
    declare(met, entry(0, 'a'));
    met.sender.say({ type: 'finished', ids: [0] });
    await send(met, pack(0, [[0, ''], [9, 'ninth']]), [0, 9]); // prettier-ignore
    met.sender.end({ entries: 1, files: 1 });
    await met.sender.isTold();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_TRUNCATED'));
  });

  it('leaves out what could not be read, and nothing else', async () => {
    const met = await meetReceiver(native);
    declare(met, five(0, 'a'), five(1, 'b'));
    await send(met, pack(0, [[0, missing], [1, 'secon']]), [0, 1]); // prettier-ignore
    met.sender.end({ entries: 2, files: 1, bytes: 5 });
    await met.sender.hears('committed');
    expect(await namesIn(met.directory)).toEqual(['b']);
  });

  it('into a directory that is not there ends the transfer', async () => {
    const met = await meetReceiver(native);
    declare(met, five(0, 'd/a'));
    await send(met, pack(0, [[0, 'first']]), [0, 0]);
    await met.sender.isTold();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_NOT_FOUND'));
    expect(await namesIn(met.directory)).toEqual([]);
  });

  it('never goes through a link, neither one in the place of a directory nor of a file', async () => {
    const outside = await temporaryDirectory();
    for (const path of ['d/a', 'd/deep/a', 'leaf']) {
      const met = await meetReceiver(native);
      await mkdir(join(outside, 'deep'), { recursive: true });
      await symlink(outside, join(met.directory, 'd'));
      await symlink(join(outside, 'made'), join(met.directory, 'leaf'));
      declare(met, five(0, path));
      await send(met, pack(0, [[0, 'first']]), [0, 0]);
      if (path === 'leaf') {
        met.sender.end({ entries: 1, files: 1, bytes: 5 });
        await met.sender.hears('committed');
        expect((await lstat(join(met.directory, 'leaf'))).isFile()).toBe(true);
      } else expect(await met.sender.isTold()).toMatch(/^ERR_XFER_(?:NOT_DIRECTORY|LOCAL_IO) /);
      expect(await namesIn(outside)).toEqual(['deep/']);
    }
  });

  it('leaves a directory alone that stands in the place of a file, and no temporary file', async () => {
    const met = await meetReceiver(native);
    await mkdir(join(met.directory, 'b/mine'), { recursive: true });
    declare(met, five(0, 'a'), five(1, 'b'), five(2, 'c'));
    await send(met, pack(0, [[0, 'first'], [1, 'secon'], [2, 'third']]), [0, 2]); // prettier-ignore
    await refused(met, 'ERR_XFER_IS_DIRECTORY', 'cannot write b', ['a', 'b/', 'b/mine/', 'c']);
  });
});
