import { describe, expect, it, vi } from 'vitest';
import { sessionDefaults, transferDefaults } from '../../../src/config/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { entryKind } from '../../../src/transfer/entry-codec.js';
import { meetReceiver, refused, type MetReceiver } from './rogue-kit.js';
import { creatingParts, entry, held, withFiles } from './transfer-kit.js';

const { files } = nativeApi();
const { manifestBatchEntries, maxOpenFiles, maxWindowBytes } = transferDefaults;
const { recordBytes } = sessionDefaults;
/** What an honest sender's window has at most. */
const mostRecords = 1024;

const count = (met: MetReceiver, type: string) =>
  met.sender.heard.filter((said) => said.type === type).length;
const receivedOf = (met: MetReceiver) =>
  met.sender.heard
    .flatMap((said) => (said.type === 'received' ? said.ranges : []))
    .reduce((sum, [from, to]) => sum + to - from, 0);

/** There is room for whatever is declared. */
const roomy = { freeBytes: () => Promise.resolve(2 ** 52), allocate: () => Promise.resolve(false) };

/** A receiver that opens no file before `creating.release()`. */
async function meetSlowly() {
  const creating = held(files.createFile.bind(files));
  const slow = withFiles({ ...roomy, createFile: creatingParts(creating.call) });
  return { ...(await meetReceiver(slow)), creating };
}

/** Files of two bytes each. */
function declare(met: MetReceiver, first: number, entries: number): void {
  const batch = Array.from({ length: entries }, (_, i) => entry(first + i, `f${first + i}`, { size: 2 }));
  met.sender.say({ type: 'manifest', entries: batch });
}

/** All that was said before has been heard: a link that leads out is answered at once. */
async function heardAll(met: MetReceiver, id: number): Promise<void> {
  const link = entry(id, `link-${id}`, { kind: entryKind.link, target: '/etc' });
  met.sender.say({ type: 'manifest', entries: [link] });
  await vi.waitFor(() =>
    expect(met.sender.heard).toContainEqual(expect.objectContaining({ type: 'left-out', id })),
  );
}

describe('what a receiver holds', () => {
  it('is content of a window and a record, and no byte more', async () => {
    const met = await meetSlowly();
    met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size: 2 ** 40 })] });
    const most = maxWindowBytes / recordBytes + 1;
    for (let n = 0; n < most; n++) await met.sender.content(0, recordBytes, { offset: n * recordBytes });
    await heardAll(met, 1);
    expect(count(met, 'abort')).toBe(0);
    await met.sender.content(0, 1, { offset: most * recordBytes });
    await met.sender.isTold();
    met.creating.release();
    await refused(met, 'ERR_XFER_PROTOCOL', 'more content than was asked for');
  });

  it('is so many records, however small', async () => {
    const met = await meetSlowly();
    met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size: 2 ** 40 })] });
    for (let n = 0; n < mostRecords; n++) await met.sender.content(0, 1, { offset: n });
    await heardAll(met, 1);
    expect(count(met, 'abort')).toBe(0);
    await met.sender.content(0, 1, { offset: mostRecords });
    await met.sender.isTold();
    met.creating.release();
    await refused(met, 'ERR_XFER_PROTOCOL', 'more content than was asked for');
  });

  it('makes room again when it is written, empty records too', async () => {
    const met = await meetReceiver();
    met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size: 10 })] });
    for (let round = 1; round <= 3; round++) {
      for (let n = 0; n < 500; n++) await met.sender.content(0, 0);
      await vi.waitFor(() => expect(receivedOf(met)).toBe(round * 500));
    }
    expect(count(met, 'abort')).toBe(0);
  });

  it('makes room again when a file failed, and the sender hears that its window has', async () => {
    const met = await meetSlowly();
    declare(met, 0, 1);
    await met.sender.content(0, 1);
    await vi.waitFor(() => expect(met.creating.waiting).toHaveLength(1));
    met.sender.say({ type: 'failed', id: 0 });
    await vi.waitFor(() => expect(receivedOf(met)).toBe(1));
    met.creating.release();
    met.sender.end({ entries: 1 });
    expect(await met.sender.hears('committed')).toMatchObject({ files: 0, bytes: 0 });
  });

  it('has so many gaps between the numbers of records at most', async () => {
    const met = await meetReceiver(withFiles(roomy));
    met.sender.say({ type: 'manifest', entries: [entry(0, 'a', { size: 2 ** 40 })] });
    for (let n = 0; n < mostRecords; n++) {
      await met.sender.content(0, 1, { offset: n, number: 2 * n });
      if (n % 512 === 511) await vi.waitFor(() => expect(receivedOf(met)).toBe(n + 1));
    }
    expect(count(met, 'abort')).toBe(0);
    await met.sender.content(0, 1, { offset: mostRecords, number: 2 * mostRecords });
    await refused(met, 'ERR_XFER_PROTOCOL', 'more content than was asked for');
  });
});

describe('what a receiver has under way', () => {
  it('is eight batches whose directories it makes; one more ends the transfer', async () => {
    const making = held(files.makeDirectory.bind(files));
    const met = await meetReceiver(withFiles({ makeDirectory: making.call }));
    const batch = (id: number) =>
      met.sender.say({ type: 'manifest', entries: [entry(id, `d${id}`, { kind: entryKind.directory })] });
    batch(0);
    await vi.waitFor(() => expect(making.waiting).toHaveLength(1));
    for (let id = 1; id < 7; id++) batch(id);
    await heardAll(met, 7);
    expect(count(met, 'abort')).toBe(0);
    batch(8);
    await met.sender.isTold();
    making.release();
    await refused(met, 'ERR_XFER_PROTOCOL', 'more than was asked for', ['d0/']);
  });

  it('is so many open files; the next opens when one is done', async () => {
    const creating = vi.fn(files.createFile.bind(files));
    const met = await meetReceiver(withFiles({ createFile: creatingParts(creating) }));
    declare(met, 0, maxOpenFiles + 3);
    for (let id = 0; id < maxOpenFiles + 3; id++) await met.sender.content(id, 1);
    await vi.waitFor(() => expect(receivedOf(met)).toBe(maxOpenFiles));
    expect(creating).toHaveBeenCalledTimes(maxOpenFiles);
    await met.sender.content(0, 1, { offset: 1 });
    met.sender.say({ type: 'finished', ids: [0] });
    await vi.waitFor(() => expect(receivedOf(met)).toBe(maxOpenFiles + 2));
    expect(creating).toHaveBeenCalledTimes(maxOpenFiles + 1);
  });

  it('gives no place back that a file which failed in the queue never had', async () => {
    const creating = vi.fn(files.createFile.bind(files));
    const met = await meetReceiver(withFiles({ createFile: creatingParts(creating) }));
    const all = maxOpenFiles + 3;
    declare(met, 0, all);
    for (let id = 0; id < all; id++) await met.sender.content(id, 1);
    await vi.waitFor(() => expect(receivedOf(met)).toBe(maxOpenFiles));
    // These wait for a place.
    for (let id = maxOpenFiles; id < all; id++) met.sender.say({ type: 'failed', id });
    await vi.waitFor(() => expect(met.notes).toHaveLength(3));
    for (let id = 0; id < maxOpenFiles; id++) met.sender.say({ type: 'failed', id });
    met.sender.end({ entries: all });
    await met.sender.hears('committed');
    expect(creating).toHaveBeenCalledTimes(maxOpenFiles);
    met.sender.session.finish();
    await met.running;
  });

  it('is so many files before the next batch is asked for', async () => {
    const creating = held(files.createFile.bind(files));
    const made = vi.fn();
    const makeDirectory: typeof files.makeDirectory = async (...args) => {
      const isNew = await files.makeDirectory(...args);
      made();
      return isNew;
    };
    const met = await meetReceiver(withFiles({ createFile: creatingParts(creating.call), makeDirectory }));
    for (let batch = 0; batch < 4; batch++) {
      declare(met, batch * manifestBatchEntries, manifestBatchEntries);
      await vi.waitFor(() => expect(count(met, 'declared')).toBe(batch + 1));
    }
    const next = 4 * manifestBatchEntries;
    const directory = entry(next + 1, 'd', { kind: entryKind.directory });
    met.sender.say({ type: 'manifest', entries: [entry(next, 'one-more'), directory] });
    await vi.waitFor(() => expect(made).toHaveBeenCalled());
    await heardAll(met, next + 2);
    expect(count(met, 'declared')).toBe(4);
    met.sender.say({ type: 'failed', id: 0 });
    await vi.waitFor(() => expect(count(met, 'declared')).toBe(6));
    creating.release();
  });
});
