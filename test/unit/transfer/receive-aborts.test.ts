import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { entryKind } from '../../../src/transfer/entry-codec.js';
import { TemporaryNames } from '../../../src/transfer/temporary-names.js';
import { failure, meetReceiver, type MetReceiver } from './rogue-kit.js';
import { entry, held, namesIn, sizesIn, transferKey, withFiles } from './transfer-kit.js';

const { files } = nativeApi();
const names = new TemporaryNames(new Uint8Array(32), transferKey);
const interrupted = new XferError('ERR_XFER_INTERRUPTED', 'stop');

/** One file is half written, one is being created with its content parked, one is being given its name. */
async function meetBusy() {
  const creating = held(files.createFile.bind(files));
  const finishing = held(files.finishFile.bind(files));
  const created = vi.fn();
  const native = withFiles({
    createFile: (directory, name) => {
      if (name.endsWith('.part')) created(name);
      return name === names.partOf('parked')
        ? creating.call(directory, name)
        : files.createFile(directory, name);
    },
    finishFile: finishing.call,
  });
  const met = await meetReceiver(native);
  await writeFile(join(met.directory, 'half'), 'what stood there before');
  const offered = ['half', 'whole', 'parked', 'untouched'];
  met.sender.say({ type: 'manifest', entries: offered.map((name, id) => entry(id, name, { size: 100 })) });
  await met.sender.content(0, 60);
  await met.sender.content(1, 100);
  met.sender.say({ type: 'finished', ids: [1] });
  await met.sender.content(2, 100);
  await vi.waitFor(() => expect([creating.waiting.length, finishing.waiting.length]).toEqual([1, 1]));
  await vi.waitFor(() => expect(created).toHaveBeenCalledTimes(3));
  return { met, creating, finishing };
}

const ways: [string, (met: MetReceiver) => void, string][] = [
  ['the user', (met) => met.stop.abort(interrupted), 'ERR_XFER_INTERRUPTED'],
  [
    'the sender',
    ({ sender }) => sender.say({ type: 'abort', wire: 62, message: 'full' }),
    'ERR_XFER_NO_SPACE',
  ],
  [
    'a sender that was interrupted',
    ({ sender }) => sender.say({ type: 'abort', wire: 4, message: '' }),
    'ERR_XFER_PEER_INTERRUPTED',
  ],
  ['a violation', ({ sender }) => sender.say({ type: 'failed', id: 99 }), 'ERR_XFER_PROTOCOL'],
  [
    'a message that breaks its schema',
    ({ sender }) => sender.session.sendControl(Uint8Array.of(1)),
    'ERR_XFER_PROTOCOL',
  ],
  [
    'the loss of the connection',
    ({ sender }) => sender.session.abort(interrupted),
    'ERR_XFER_CONNECTION_LOST',
  ],
  ['a FIN', ({ sender }) => sender.session.finish(), 'ERR_XFER_TRUNCATED'],
];

describe('a transfer that ends with files under way', () => {
  it.each(ways)('by %s leaves no part of any, and no temporary file', async (_, end, code) => {
    const { met, creating, finishing } = await meetBusy();
    const ended = vi.fn();
    met.running.then(ended, ended);
    end(met);
    if (code === 'ERR_XFER_INTERRUPTED') await met.sender.hears('abort');
    creating.release();
    finishing.release();
    await expect(met.running).rejects.toEqual(failure(code));
    // One was whole and on its way to its name when the end came.
    expect(await namesIn(met.directory)).toEqual(['half', 'whole']);
    expect(await sizesIn(met.directory, ['half', 'whole'])).toEqual([23, 100]);
  });

  it('shows nothing under a real name before that', async () => {
    const { met, creating, finishing } = await meetBusy();
    const there = await namesIn(met.directory);
    expect(there.filter((name) => !name.startsWith('.xfer-'))).toEqual(['half']);
    expect(await sizesIn(met.directory, ['half'])).toEqual([23]);
    met.stop.abort(interrupted);
    creating.release();
    finishing.release();
    await expect(met.running).rejects.toEqual(interrupted);
  });

  it('waits for the batch that is being made', async () => {
    const making = held(files.makeDirectory.bind(files));
    const met = await meetReceiver(withFiles({ makeDirectory: making.call }));
    const link = entry(1, 'link', { kind: entryKind.link, target: 'd' });
    met.sender.say({ type: 'manifest', entries: [entry(0, 'd', { kind: entryKind.directory }), link] });
    await vi.waitFor(() => expect(making.waiting).toHaveLength(1));
    met.stop.abort(interrupted);
    await met.sender.hears('abort');
    making.release();
    await expect(met.running).rejects.toEqual(interrupted);
    expect(await namesIn(met.directory)).toEqual(['d/', 'link -> d']);
  });

  it('waits for the directories that are given their times', async () => {
    const finishing = held(files.finishDirectory.bind(files));
    const met = await meetReceiver(withFiles({ finishDirectory: finishing.call }));
    met.sender.say({ type: 'manifest', entries: [entry(0, 'd', { kind: entryKind.directory })] });
    await met.sender.hears('declared');
    met.sender.end({ entries: 1 });
    await vi.waitFor(() => expect(finishing.waiting).toHaveLength(1));
    const ended = vi.fn();
    met.running.then(ended, ended);
    met.stop.abort(interrupted);
    await met.sender.hears('abort');
    expect(ended).not.toHaveBeenCalled();
    finishing.release();
    await expect(met.running).rejects.toEqual(interrupted);
    expect(met.sender.heard.map(({ type }) => type)).not.toContain('committed');
  });

  it('does not begin where it was interrupted before', async () => {
    const met = await meetReceiver();
    met.stop.abort(interrupted);
    await expect(met.running).rejects.toEqual(interrupted);
    expect(await met.sender.isTold()).toContain('ERR_XFER_INTERRUPTED');
  });
});
