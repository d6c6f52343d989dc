import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { transferDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import { encodeMessage } from '../../../src/session/schema.js';
import { SendTransfer } from '../../../src/transfer/send-transfer.js';
import { failure, meetSender, type MetSender } from './rogue-kit.js';
import {
  listed,
  Rogue,
  sessionPair,
  startSending,
  temporaryDirectory,
  sendingOptions,
} from './transfer-kit.js';

const { windowBytes } = transferDefaults;

/** A sender of one directory with a file of `bytes` in it, and a link. */
async function meet(bytes = 1000): Promise<MetSender & { readonly path: string }> {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, 'd'));
  const path = join(directory, 'd', 'file');
  await writeFile(path, Buffer.alloc(bytes, 'a'));
  await symlink('file', join(directory, 'd', 'link'));
  return { path, ...(await meetSender([join(directory, 'd')])) };
}

async function refused(met: MetSender, words: string): Promise<void> {
  expect(await met.receiver.isTold()).toMatch(/^ERR_XFER_PROTOCOL /);
  expect(await met.receiver.isTold()).toContain(words);
  await expect(met.running).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
}

describe('an honest receiver, by hand', () => {
  it('hears of everything, and the sender ends with its commit', async () => {
    const met = await meet();
    const { entries } = await met.receiver.hears('manifest');
    expect(entries.map(({ path }) => path)).toEqual(['d', 'd/file', 'd/link']);
    expect(await met.receiver.hears('end')).toMatchObject({ entries: 3, files: 1, bytes: 1000, records: 1 });
    met.receiver.say({ type: 'declared', entries: 3 });
    met.receiver.say({ type: 'received', ranges: [[0, 1]] });
    met.receiver.say({ type: 'committed', files: 1, bytes: 1000 });
    expect(await met.running).toMatchObject({ files: 1, bytes: 1000 });
    expect(met.problems).toEqual([]);
  });
});

describe('a receiver that lies', () => {
  it.each<[string, (met: MetSender) => void, string]>([
    [
      'acknowledges what was never sent',
      ({ receiver }) => receiver.say({ type: 'received', ranges: [[0, 9]] }),
      'never sent',
    ],
    [
      'acknowledges all numbers',
      ({ receiver }) => receiver.say({ type: 'received', ranges: [[0, Number.MAX_SAFE_INTEGER]] }),
      'never sent',
    ],
    [
      'acknowledges an empty range',
      ({ receiver }) => receiver.say({ type: 'received', ranges: [[1, 1]] }),
      'never sent',
    ],
    [
      'acknowledges a range turned round',
      ({ receiver }) => receiver.say({ type: 'received', ranges: [[1, 0]] }),
      'never sent',
    ],
    [
      'declares more batches than there were',
      ({ receiver }) => {
        receiver.say({ type: 'declared', entries: 3 });
        receiver.say({ type: 'declared', entries: 3 });
      },
      'declares batches that were never sent',
    ],
    [
      'leaves out what was never offered',
      ({ receiver }) => receiver.say({ type: 'left-out', id: 99, reason: '' }),
      'what was not offered',
    ],
    [
      'leaves out a link twice',
      ({ receiver }) => {
        receiver.say({ type: 'left-out', id: 2, reason: '' });
        receiver.say({ type: 'left-out', id: 2, reason: '' });
      },
      'what was not offered',
    ],
    [
      'committed fewer bytes',
      ({ receiver }) => receiver.say({ type: 'committed', files: 1, bytes: 999 }),
      'committed other than',
    ],
    [
      'committed more files',
      ({ receiver }) => receiver.say({ type: 'committed', files: 2, bytes: 1000 }),
      'committed other than',
    ],
    ['says what a sender says', ({ receiver }) => receiver.say({ type: 'failed', id: 1 }), 'it says failed'],
    [
      'says what fits no schema',
      ({ receiver }) => receiver.session.sendControl(encodeMessage({ type: 'declared' })),
      'schema',
    ],
    ['says what is no CBOR', ({ receiver }) => receiver.session.sendControl(Uint8Array.of(0xff)), ''],
    ['sends content', ({ receiver }) => void receiver.content(1, 5), 'sent content'],
  ])('and %s is told so', async (_, lie, words) => {
    const met = await meet();
    await met.receiver.hears('end');
    lie(met);
    await refused(met, words);
  });

  it('and commits before the end is told so', async () => {
    const met = await meet(windowBytes + 1);
    await met.receiver.hears('manifest');
    met.receiver.say({ type: 'committed', files: 0, bytes: 0 });
    await refused(met, 'committed other than');
  });

  it('cannot make a problem of one link more than once, nor act on a terminal by it', async () => {
    const met = await meet();
    await met.receiver.hears('end');
    met.receiver.say({ type: 'left-out', id: 2, reason: 'look \u001b[2J' });
    met.receiver.say({ type: 'left-out', id: 2, reason: 'again' });
    await met.receiver.isTold();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
    expect(met.problems.map(({ code }) => code)).toEqual(['ERR_XFER_LINK_REFUSED']);
    expect(met.problems[0]?.message).not.toContain('\u001b');
  });
});

describe('a sender', () => {
  it('sends a window of content, and more only when that is acknowledged', async () => {
    const met = await meet(2 * windowBytes);
    const received = () => met.receiver.contents.reduce((sum, { header }) => sum + header.bodyBytes, 0);
    await vi.waitFor(() => expect(received()).toBe(windowBytes), 10_000);
    met.receiver.say({ type: 'received', ranges: [[0, 2]] });
    const acknowledged = met.receiver.contents
      .slice(0, 2)
      .reduce((sum, { header }) => sum + header.bodyBytes, 0);
    await vi.waitFor(() => expect(received()).toBe(windowBytes + acknowledged), 10_000);
    expect(met.receiver.heard.map(({ type }) => type)).toEqual(['begin', 'manifest']);
    met.receiver.session.finish();
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_CONNECTION_LOST'));
  });

  it('declares four batches, and more only when one of them is answered', async () => {
    const [near, far] = await sessionPair();
    const receiver = new Rogue(far);
    const path = await temporaryDirectory();
    const [top] = await listed(path);
    let pulled = 0;
    const batches = async function* () {
      for (; pulled < 20; pulled++) yield await Promise.resolve([{ ...top, id: pulled, path: `d${pulled}` }]);
    };
    const onProblem = () => undefined;
    const common = { onProblem, onProgress: onProblem, onCommitting: onProblem };
    const stop = new AbortController();
    const options = { session: near, batches: batches(), signal: stop.signal, ...common, ...sendingOptions };
    const running = new SendTransfer(options).run();
    const manifests = () => receiver.heard.filter(({ type }) => type === 'manifest').length;
    await vi.waitFor(() => expect([pulled, manifests()]).toEqual([4, 4]));
    receiver.say({ type: 'declared', entries: 1 });
    await vi.waitFor(() => expect([pulled, manifests()]).toEqual([5, 5]));
    stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
    await expect(running).rejects.toEqual(failure('ERR_XFER_INTERRUPTED'));
  });

  it.each<[string, (met: MetSender) => void, string]>([
    ['leaves', ({ receiver }) => receiver.session.finish(), 'ERR_XFER_CONNECTION_LOST'],
    [
      'is lost',
      ({ receiver }) => receiver.session.abort(new XferError('ERR_XFER_INTERRUPTED', 'x')),
      'ERR_XFER_CONNECTION_LOST',
    ],
    [
      'has no space',
      ({ receiver }) => receiver.say({ type: 'abort', wire: 62, message: 'full' }),
      'ERR_XFER_NO_SPACE',
    ],
    [
      'was interrupted',
      ({ receiver }) => receiver.say({ type: 'abort', wire: 4, message: '' }),
      'ERR_XFER_PEER_INTERRUPTED',
    ],
    [
      'says a code of a later version',
      ({ receiver }) => receiver.say({ type: 'abort', wire: 60_000, message: '' }),
      'ERR_XFER_REFUSED',
    ],
  ])('ends with the reason where the receiver %s', async (_, end, code) => {
    const met = await meet(2 * windowBytes);
    await met.receiver.hears('manifest');
    end(met);
    await expect(met.running).rejects.toEqual(failure(code));
  });

  it('tells the receiver that it was interrupted, before and while it sends', async () => {
    const stop = new AbortController();
    stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
    const [near, far] = await sessionPair();
    const receiver = new Rogue(far);
    await expect(startSending(near, [await temporaryDirectory()], stop).running).rejects.toEqual(
      failure('ERR_XFER_INTERRUPTED'),
    );
    expect(await receiver.isTold()).toContain('ERR_XFER_INTERRUPTED');
    expect(receiver.heard.map(({ type }) => type)).toEqual(['abort']);

    const met = await meet(2 * windowBytes);
    await met.receiver.hears('manifest');
    met.stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
    await expect(met.running).rejects.toEqual(failure('ERR_XFER_INTERRUPTED'));
    expect(await met.receiver.isTold()).toContain('ERR_XFER_INTERRUPTED');
  });

  it('fails a file that becomes shorter while it is sent, and sends the rest', async () => {
    const met = await meet(2 * windowBytes);
    await vi.waitFor(() => expect(met.receiver.contents.length).toBeGreaterThan(23), 10_000);
    await truncate(met.path, 5);
    met.receiver.say({ type: 'received', ranges: [[0, 1]] });
    expect(await met.receiver.hears('failed')).toEqual({ type: 'failed', id: 1 });
    expect(await met.receiver.hears('end')).toMatchObject({ files: 0, bytes: 0 });
    expect(met.problems).toEqual([failure('ERR_XFER_FILE_CHANGED')]);
  });

  it('fails a file that was written to while it was sent', async () => {
    const met = await meet(2 * windowBytes);
    await vi.waitFor(() => expect(met.receiver.contents.length).toBeGreaterThan(23), 10_000);
    await writeFile(met.path, 'new', { flag: 'r+' });
    const received = () => met.receiver.contents.reduce((sum, { header }) => sum + header.bodyBytes, 0);
    await vi.waitFor(() => {
      met.receiver.say({ type: 'received', ranges: [[0, met.receiver.contents.length]] });
      expect(received()).toBe(2 * windowBytes);
    }, 10_000);
    expect(await met.receiver.hears('failed')).toEqual({ type: 'failed', id: 1 });
    expect(met.problems).toEqual([failure('ERR_XFER_FILE_CHANGED')]);
  });
});
