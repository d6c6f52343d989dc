import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { transferDefaults } from '../../../src/config/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { encodeMessage } from '../../../src/session/schema.js';
import { entryKind } from '../../../src/transfer/entry-codec.js';
import { failure, meetReceiver, refused, type MetReceiver } from './rogue-kit.js';
import { creatingParts, entry, held, namesIn, sizesIn, withFiles } from './transfer-kit.js';

const declare = (met: MetReceiver, ...sizes: number[]) =>
  met.sender.say({ type: 'manifest', entries: sizes.map((size, id) => entry(id, `f${id}`, { size })) });
const { files } = nativeApi();

/** A receiver that has not opened a file yet. */
async function meetSlowly() {
  const creating = held(files.createFile.bind(files));
  return { ...(await meetReceiver(withFiles({ createFile: creatingParts(creating.call) }))), creating };
}

describe('a control message that breaks the protocol', () => {
  const schema = 'does not fit its schema';
  it.each<[string, Record<string, unknown>, string]>([
    ['of no known type', { type: 'other' }, schema],
    ['without its fields', { type: 'manifest' }, schema],
    ['with entries that are none', { type: 'manifest', entries: [[1, 2]] }, schema],
    ['with a number that is none', { type: 'finished', ids: [-1] }, schema],
    ['of a receiver', { type: 'committed', files: 0, bytes: 0 }, 'it says committed'],
  ])('is answered with the reason: one %s', async (_, message, words) => {
    const met = await meetReceiver();
    met.sender.session.sendControl(encodeMessage(message));
    await refused(met, 'ERR_XFER_PROTOCOL', words);
  });

  it('is answered with the reason: one that is no CBOR', async () => {
    const met = await meetReceiver();
    met.sender.session.sendControl(Uint8Array.of(0xff, 0xff));
    await refused(met, 'ERR_XFER_PROTOCOL', '');
  });
});

describe('a sender that finishes or fails', () => {
  it.each<[string, (met: MetReceiver) => void]>([
    ['what it never declared', ({ sender }) => sender.say({ type: 'finished', ids: [7] })],
    ['a file twice', ({ sender }) => sender.say({ type: 'finished', ids: [0, 0] })],
    ['a failure that was never declared', ({ sender }) => sender.say({ type: 'failed', id: 7 })],
    [
      'a file that it has failed, by finishing it',
      ({ sender }) => {
        sender.say({ type: 'failed', id: 0 });
        sender.say({ type: 'finished', ids: [0] });
      },
    ],
    [
      'a file by failing it twice',
      ({ sender }) => {
        sender.say({ type: 'failed', id: 0 });
        sender.say({ type: 'failed', id: 0 });
      },
    ],
  ])('%s is refused', async (_, lie) => {
    const met = await meetSlowly();
    declare(met, 10);
    await met.sender.content(0, 5);
    await vi.waitFor(() => expect(met.creating.waiting).toHaveLength(1));
    lie(met);
    await met.sender.isTold();
    met.creating.release();
    await refused(met, 'ERR_XFER_PROTOCOL', 'no file under way');
  });
});

describe('content that does not fit', () => {
  it.each<[string, (met: MetReceiver) => Promise<void>]>([
    ['past the size of its file', ({ sender }) => sender.content(0, 6, { offset: 5 })],
    ['far past the size of its file', ({ sender }) => sender.content(0, 1, { offset: 2 ** 52 })],
    ['of another layout', ({ sender }) => sender.content(0, 5, { layout: 4 })],
    [
      'that came before',
      async ({ sender }) => {
        await sender.content(0, 5);
        await sender.content(0, 5);
      },
    ],
    [
      'that overlaps what came before',
      async ({ sender }) => {
        await sender.content(0, 5, { offset: 5 });
        await sender.content(0, 6);
      },
    ],
  ])('ends the transfer: %s', async (_, lie) => {
    const met = await meetReceiver();
    declare(met, 10);
    await lie(met);
    await refused(met, 'ERR_XFER_PROTOCOL', 'content that was not declared');
  });

  it.each([0, 1])('ends the transfer: %d bytes for a file that stands', async (bytes) => {
    const met = await meetReceiver();
    declare(met, 10, 10);
    await met.sender.content(0, 10);
    met.sender.say({ type: 'finished', ids: [0] });
    await vi.waitFor(async () => expect(await namesIn(met.directory)).toContain('f0'));
    await met.sender.content(0, bytes);
    await refused(met, 'ERR_XFER_PROTOCOL', 'content that was not declared', ['f0']);
    expect(await sizesIn(met.directory, ['f0'])).toEqual([10]);
  });

  it('ends the transfer: nothing at all, for a file that is being given its name', async () => {
    const finishing = held(files.finishFile.bind(files));
    const met = await meetReceiver(withFiles({ finishFile: finishing.call }));
    declare(met, 10);
    await met.sender.content(0, 10);
    met.sender.say({ type: 'finished', ids: [0] });
    await vi.waitFor(() => expect(finishing.waiting).toHaveLength(1));
    await met.sender.content(0, 0);
    await met.sender.isTold();
    finishing.release();
    await refused(met, 'ERR_XFER_PROTOCOL', 'content that was not declared', ['f0']);
  });

  it('ends the transfer: a pack that is none', async () => {
    const met = await meetReceiver();
    declare(met, 5);
    await met.sender.content(0, 5, { layout: 1 });
    await refused(met, 'ERR_XFER_PROTOCOL', 'packs files that it did not declare');
  });

  it('ends the transfer: content of an entry that is never declared', async () => {
    const met = await meetReceiver();
    declare(met, 0);
    met.sender.say({ type: 'finished', ids: [0] });
    await met.sender.content(9, 1);
    met.sender.end({ entries: 1, files: 1 });
    await met.sender.isTold();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_TRUNCATED'));
  });

  it('is dropped where it is a copy of a record that came, or of a file that was given up', async () => {
    const met = await meetReceiver();
    declare(met, 10, 10);
    await met.sender.content(0, 10);
    await met.sender.content(0, 10, { number: 0 });
    met.sender.say({ type: 'failed', id: 1 });
    await met.sender.content(1, 5, { number: 1 });
    met.sender.say({ type: 'finished', ids: [0] });
    met.sender.end({ entries: 2, files: 1, bytes: 10, records: 2 });
    expect(await met.sender.hears('committed')).toMatchObject({ type: 'committed', files: 1, bytes: 10 });
    expect(await namesIn(met.directory)).toEqual(['f0']);
  });

  it('may give up a file that it confirmed, for a part that was lost', async () => {
    const met = await meetReceiver();
    declare(met, 10);
    await met.sender.content(0, 5);
    met.sender.say({ type: 'finished', ids: [0] });
    met.sender.say({ type: 'failed', id: 0 });
    met.sender.end({ entries: 1 });
    expect(await met.sender.hears('committed')).toMatchObject({ type: 'committed', files: 0, bytes: 0 });
    expect(await namesIn(met.directory)).toEqual([]);
  });

  it('ends the transfer: content behind the end', async () => {
    const met = await meetSlowly();
    declare(met, 10);
    await met.sender.content(0, 10);
    met.sender.say({ type: 'finished', ids: [0] });
    met.sender.end({ entries: 1, files: 1, bytes: 10 });
    await met.sender.content(0, 0);
    met.creating.release();
    await refused(met, 'ERR_XFER_TRUNCATED', 'not what it counts', ['f0']);
  });

  it.each(['manifest', 'finished', 'failed', 'end'] as const)(
    'ends the transfer: %s behind the end',
    async (type) => {
      const met = await meetSlowly();
      declare(met, 10);
      await met.sender.content(0, 10);
      met.sender.say({ type: 'finished', ids: [0] });
      met.sender.end({ entries: 1, files: 1, bytes: 10 });
      if (type === 'manifest') met.sender.say({ type, entries: [entry(1, 'late')] });
      if (type === 'finished') met.sender.say({ type, ids: [] });
      if (type === 'failed') met.sender.say({ type, id: 0 });
      if (type === 'end') met.sender.end({ entries: 1, files: 1, bytes: 10 });
      await met.sender.isTold();
      met.creating.release();
      await refused(met, 'ERR_XFER_PROTOCOL', 'behind its own end');
    },
  );
});

describe('a manifest that is refused as a whole', () => {
  it.each<[string, Parameters<typeof entry>, string]>([
    ['an entry out of turn', [5, 'b'], 'ERR_XFER_PROTOCOL'],
    ['the same name again', [1, 'a'], 'ERR_XFER_HOSTILE_NAME'],
    ['the same name in capitals', [1, 'A'], 'ERR_XFER_HOSTILE_NAME'],
    ['a name below a file', [1, 'a/b'], 'ERR_XFER_HOSTILE_NAME'],
    ['a way out', [1, '../b'], 'ERR_XFER_HOSTILE_NAME'],
    ['a name of ours', [1, '.xfer-b'], 'ERR_XFER_HOSTILE_NAME'],
    ['too long a name', [1, 'b'.repeat(transferDefaults.maxNameBytes + 1)], 'ERR_XFER_HOSTILE_NAME'],
    ['too deep a path', [1, 'b/'.repeat(transferDefaults.maxPathDepth) + 'b'], 'ERR_XFER_HOSTILE_NAME'],
    ['a target of what is no link', [1, 'b', { target: 'a' }], 'ERR_XFER_PROTOCOL'],
    ['a size of what is no file', [1, 'b', { kind: entryKind.directory, size: 1 }], 'ERR_XFER_PROTOCOL'],
  ])('has %s', async (_, args, code) => {
    const met = await meetReceiver();
    met.sender.say({
      type: 'manifest',
      entries: [entry(0, 'a'), entry(...args)],
    });
    await refused(met, code, '');
  });

  it('is refused although an earlier one was taken', async () => {
    const met = await meetReceiver();
    met.sender.say({ type: 'manifest', entries: [entry(0, 'd', { kind: entryKind.directory })] });
    await met.sender.hears('declared');
    met.sender.say({ type: 'manifest', entries: [entry(1, 'd', { kind: entryKind.directory })] });
    await refused(met, 'ERR_XFER_HOSTILE_NAME', 'twice', ['d/']);
  });
});

describe('what stands in the way', () => {
  it('of a file, a directory, ends the transfer and is left alone', async () => {
    const met = await meetReceiver();
    await mkdir(join(met.directory, 'f0'));
    declare(met, 0);
    met.sender.say({ type: 'finished', ids: [0] });
    await refused(met, 'ERR_XFER_IS_DIRECTORY', 'f0', ['f0/']);
  });

  it('of a link, a directory, ends the transfer and no temporary link is left', async () => {
    const met = await meetReceiver();
    await mkdir(join(met.directory, 'l'));
    met.sender.say({ type: 'manifest', entries: [entry(0, 'l', { kind: entryKind.link, target: 'x' })] });
    await met.sender.isTold();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_IS_DIRECTORY'));
    expect(await namesIn(met.directory)).toEqual(['l/']);
  });

  it('of a directory, a file, ends the transfer and is left alone', async () => {
    const met = await meetReceiver();
    await writeFile(join(met.directory, 'd'), 'mine');
    met.sender.say({ type: 'manifest', entries: [entry(0, 'd', { kind: entryKind.directory })] });
    await met.sender.isTold();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_NOT_DIRECTORY'));
    expect(await sizesIn(met.directory, ['d'])).toEqual([4]);
  });
});
