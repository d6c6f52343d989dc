import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../../src/session/schema.js';
import { encodeEntry, entryKind } from '../../../src/transfer/entry-codec.js';
import { failure, meetReceiver, refused, type MetReceiver } from './rogue-kit.js';
import { entry, namesIn, sizesIn, withFiles } from './transfer-kit.js';

const MiB = 2 ** 20;
/** There is room for whatever is declared. */
const roomy = () => withFiles({ freeBytes: () => Promise.resolve(2 ** 53) });
const declare = (met: MetReceiver, size: number, allocatedBytes?: number) =>
  met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size, allocatedBytes })] });
const holes = (met: MetReceiver, ...ranges: (readonly [number, number])[]) =>
  met.sender.say({ type: 'holes', id: 0, ranges });
const inside = 'it has holes where content is';

describe('an honest hole', () => {
  it('takes no room', async () => {
    const met = await meetReceiver(roomy());
    declare(met, 2 ** 40, 4096);
    holes(met, [5, 2 ** 40]);
    await met.sender.content(0, 5);
    met.sender.say({ type: 'finished', ids: [0] });
    met.sender.end({ entries: 1, files: 1, bytes: 2 ** 40 });
    expect(await met.sender.hears('committed')).toMatchObject({ files: 1, bytes: 2 ** 40 });
    const { size, blocks } = await stat(join(met.directory, 'a'));
    expect(size).toBe(2 ** 40);
    expect(blocks * 512).toBeLessThan(MiB);
  });
});

describe('a hole ends the transfer', () => {
  it.each<[string, (met: MetReceiver) => Promise<void> | void, string]>([
    [
      'over content that came',
      async (met) => {
        await met.sender.content(0, 50, { offset: 25 });
        holes(met, [0, 100]);
      },
      inside,
    ],
    [
      'that shares one byte with content',
      async (met) => {
        await met.sender.content(0, 50);
        holes(met, [49, 100]);
      },
      inside,
    ],
    ['past the end', (met) => holes(met, [50, 101]), inside],
    ['behind the end', (met) => holes(met, [100, 200]), inside],
    ['far behind the end', (met) => holes(met, [2 ** 52, Number.MAX_SAFE_INTEGER]), inside],
    ['of nothing', (met) => holes(met, [5, 5]), inside],
    ['that goes backwards', (met) => holes(met, [50, 5]), inside],
    ['twice', (met) => holes(met, [0, 5], [0, 5]), inside],
    ['over another', (met) => holes(met, [10, 20], [0, 11]), inside],
    [
      'of a file that is confirmed',
      (met) => {
        met.sender.say({ type: 'finished', ids: [0] });
        holes(met, [0, 100]);
      },
      'no file under way',
    ],
    [
      'of what was never declared',
      ({ sender }) => sender.say({ type: 'holes', id: 9, ranges: [[0, 1]] }),
      'no file under way',
    ],
    [
      'of a directory',
      ({ sender }) => {
        sender.say({ type: 'manifest', entries: [entry(1, 'd', { kind: entryKind.directory })] });
        sender.say({ type: 'holes', id: 1, ranges: [[0, 1]] });
      },
      'no file under way',
    ],
    [
      'below zero',
      ({ sender }) => sender.session.sendControl(encodeMessage({ type: 'holes', id: 0, ranges: [[-5, 5]] })),
      'schema',
    ],
    [
      'that is no whole number',
      ({ sender }) => sender.session.sendControl(encodeMessage({ type: 'holes', id: 0, ranges: [[0, 0.5]] })),
      'schema',
    ],
    [
      'past what a number holds',
      ({ sender }) =>
        sender.session.sendControl(encodeMessage({ type: 'holes', id: 0, ranges: [[0, 2 ** 53]] })),
      'schema',
    ],
    [
      'among more than a message has',
      (met) => holes(met, ...Array.from({ length: 1025 }, (_, i) => [i, i + 1] as const)),
      'schema',
    ],
  ])('%s', async (_, lie, words) => {
    const met = await meetReceiver();
    declare(met, 100);
    await lie(met);
    const told = await met.sender.isTold();
    expect(told).toContain('ERR_XFER_PROTOCOL');
    expect(told).toContain(words);
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
    expect((await namesIn(met.directory)).filter((name) => name !== 'd/')).toEqual([]);
  });

  it('where content comes into it', async () => {
    const met = await meetReceiver();
    declare(met, 100);
    holes(met, [0, 60], [61, 100]);
    await met.sender.content(0, 2, { offset: 60 });
    await refused(met, 'ERR_XFER_PROTOCOL', 'content that was not declared');
  });

  it('where there are more of them than a file may have, and memory is that of as many at most', async () => {
    const met = await meetReceiver(roomy());
    declare(met, 2 ** 40);
    // Each stands alone. Past 1024 gaps of a window and two for each of 65,536 regions none is taken.
    const messages = Math.ceil((1024 + 2 * 65_536) / 1024) + 1;
    for (let n = 0; n < messages; n++)
      holes(
        met,
        ...Array.from({ length: 1024 }, (_, i) => {
          const at = 2 * (1024 * n + i);
          return [at, at + 1] as const;
        }),
      );
    await refused(met, 'ERR_XFER_PROTOCOL', inside);
  });
});

describe('a size', () => {
  it.each([
    ['1 EiB', 2 ** 60],
    ['2^53', 2 ** 53],
    ['one byte more than a file may have', 2 ** 52 + 1],
    ['no number', NaN],
    ['none at all', -1],
  ])('that is %s is refused', async (_, size) => {
    const met = await meetReceiver(roomy());
    const raw = encodeEntry(entry(0, 'a', { size, allocatedBytes: 0 }));
    met.sender.session.sendControl(encodeMessage({ type: 'manifest', entries: [raw] }));
    await refused(met, 'ERR_XFER_PROTOCOL', 'a control message');
  });

  it.each([
    ['2^53', 2 ** 53],
    ['less than nothing', -1],
    ['half a byte', 0.5],
  ])('on the disk that is %s is refused', async (_, allocatedBytes) => {
    const met = await meetReceiver(roomy());
    const raw = encodeEntry(entry(0, 'a', { size: 1, allocatedBytes }));
    met.sender.session.sendControl(encodeMessage({ type: 'manifest', entries: [raw] }));
    await refused(met, 'ERR_XFER_PROTOCOL', 'schema');
  });

  it('that no file system has ends the transfer in words, and nothing has its name', async () => {
    const met = await meetReceiver(roomy());
    declare(met, 2 ** 52, 0);
    holes(met, [0, 2 ** 52]);
    met.sender.say({ type: 'finished', ids: [0] });
    met.sender.end({ entries: 1, files: 1, bytes: 2 ** 52 });
    // A tmpfs has such files; ext4 has none past 16 TiB.
    const answer = await Promise.race([met.sender.isTold(), met.sender.hears('committed')]).catch(() => '');
    if (typeof answer !== 'string') return expect(await sizesOf(met)).toEqual([2 ** 52]);
    expect(answer).toMatch(/^ERR_XFER_NO_SPACE cannot write a: /);
    await met.running.catch(() => undefined);
    // What is kept for another try takes no room either.
    expect((await namesIn(met.directory)).filter((name) => !name.startsWith('.xfer-'))).toEqual([]);
  });

  it('is not made room for where the disk has more on it than the file has', async () => {
    const met = await meetReceiver(withFiles({ freeBytes: () => Promise.resolve(2 * MiB) }));
    declare(met, 5, 3 * MiB);
    await refused(met, 'ERR_XFER_NO_SPACE', 'there is room for');
  });

  it('counts in full towards what may be received, however little of it there is', async () => {
    const met = await meetReceiver(roomy(), { policy: { maxBytes: MiB } });
    declare(met, 2 ** 52, 0);
    await refused(met, 'ERR_XFER_REFUSED', 'more than');
  });

  it('is not there by a lie: what is neither content nor a hole is missing', async () => {
    const met = await meetReceiver();
    declare(met, 100, 0);
    holes(met, [0, 99]);
    met.sender.say({ type: 'finished', ids: [0] });
    met.sender.end({ entries: 1, files: 1, bytes: 100 });
    await refused(met, 'ERR_XFER_TRUNCATED', 'not what it counts');
  });

  it('is that of the file although the hole is at its end', async () => {
    const met = await meetReceiver();
    declare(met, MiB);
    await met.sender.content(0, 5);
    holes(met, [5, MiB]);
    met.sender.say({ type: 'finished', ids: [0] });
    met.sender.end({ entries: 1, files: 1, bytes: MiB });
    await met.sender.hears('committed');
    expect(await sizesIn(met.directory, ['a'])).toEqual([MiB]);
  });
});

const sizesOf = async (met: MetReceiver) => [(await stat(join(met.directory, 'a'))).size];
