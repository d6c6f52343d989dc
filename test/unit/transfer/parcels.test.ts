import * as fs from 'node:fs';
import { mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import type { NativeApi, WatchedFile } from '../../../src/native/api.js';
import { nativeApi } from '../../../src/native/index.js';
import type { Session } from '../../../src/session/session.js';
import { entryKind, type ManifestEntry } from '../../../src/transfer/entry-codec.js';
import { encodeTransferMessage, type Parcel } from '../../../src/transfer/messages.js';
import { ParcelWriter } from '../../../src/transfer/parcel-writer.js';
import { parcelMemory, readParcel } from '../../../src/transfer/read-parcel.js';
import type { ReceivePolicy } from '../../../src/transfer/receive-policy.js';
import { ReceiveTransfer } from '../../../src/transfer/receive-transfer.js';
import { sendParcel } from '../../../src/transfer/send-parcel.js';
import { meetRogue } from '../session/session-kit.js';
import { hostileOffers } from '../../support/hostile-names.js';
import { failure } from './rogue-kit.js';
import {
  beginning,
  entry,
  held,
  namesIn,
  Rogue,
  sessionPair,
  temporaryDirectory,
  withFiles,
} from './transfer-kit.js';

const { files } = nativeApi();
const watching = new AbortController().signal;

/** A file that says who may send, and stays what it is. */
async function watchedFile(): Promise<WatchedFile> {
  const path = join(await temporaryDirectory(), 'peers');
  await writeFile(path, '');
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return { path, state: BigInt64Array.of(dev, ino, size, mtimeNs, ctimeNs) };
}

/** A receiver between two transfers. */
async function waiting(session: Session, policy: ReceivePolicy = {}, native: NativeApi = nativeApi()) {
  const directory = await temporaryDirectory();
  const root = await files.openRoot(directory);
  onTestFinished(() => files.close(root));
  const watched = await watchedFile();
  const common = { root, policy, isUnnamed: true, isDirect: false };
  const writer = new ParcelWriter({ files: native.files, peer: session.peerKey, ...common });
  const told = vi.fn();
  const stop = new AbortController();
  const transfer = new ReceiveTransfer({
    ...{ session, native, root, policy, signal: stop.signal },
    onAnother: () => undefined,
    onParcel: async (parcel) => ((await writer.write(parcel, watched)) ? told : undefined),
    onProgress: () => undefined,
    onNote: () => undefined,
    onCommitting: () => undefined,
  });
  const running = transfer.run();
  running.catch(() => undefined);
  return { directory, watched, told, transfer, running, stop };
}

const parcel = (rest: Partial<ManifestEntry> = {}, content = 'abc'): Parcel => ({
  entry: entry(0, 'a', { size: content.length, token: new Uint8Array(), ...rest }),
  content: Buffer.from(content),
});

describe('a parcel', () => {
  it('is a file whole, with its mode and time, one behind the other on one session', async () => {
    const [near, far] = await sessionPair();
    const { directory, told } = await waiting(far);
    const top = await temporaryDirectory();
    for (const content of ['', 'x', 'x'.repeat(64 * 1024)]) {
      const path = join(top, `f${content.length}`);
      await writeFile(path, content, { mode: 0o640 });
      fs.utimesSync(path, 7.25, new Date(-5500));
      const read = await readParcel(files, path, parcelMemory(64 * 1024));
      if (!read) throw new Error('it is no parcel');
      expect(await sendParcel(near, read, watching)).toBe(true);
      const arrived = join(directory, `f${content.length}`);
      expect(await readFile(arrived, 'utf8')).toBe(content);
      expect(await stat(arrived)).toMatchObject({ mtimeMs: -5500, mode: 0o100640 });
    }
    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(3));
  });

  it('takes the place of what has its name, and a transfer may follow', async () => {
    const [near, far] = await sessionPair();
    const { directory, transfer } = await waiting(far);
    await writeFile(join(directory, 'a'), 'old and longer');
    expect(await sendParcel(near, parcel(), watching)).toBe(true);
    expect(await readFile(join(directory, 'a'), 'utf8')).toBe('abc');
    expect(await namesIn(directory)).toEqual(['a']);
    new Rogue(near).say(beginning);
    await vi.waitFor(() => expect(transfer.hasBegun).toBe(true));
  });

  it.each<[string, Partial<ManifestEntry>, string?]>([
    ['below a directory', { path: 'd/a' }],
    ['with a size of its own', { size: 4 }],
    ['that is a directory', { kind: entryKind.directory, size: 0 }, ''],
    ['that is a link', { kind: entryKind.link, size: 0, target: 'b' }, ''],
    ['that is another name', { kind: entryKind.hardLink, size: 0, target: 'b' }, ''],
    ['with a target', { target: 'b' }],
    ['with an owner', { owner: { uid: 1, gid: 1 } }],
    ['with attributes', { attributes: [['user.a', new Uint8Array()]] }],
    ['with holes', { allocatedBytes: 1 }],
  ])('%s is left to a transfer', async (_, rest, content) => {
    const [near, far] = await sessionPair();
    const { directory, told } = await waiting(far);
    await mkdir(join(directory, 'd'));
    expect(await sendParcel(near, parcel(rest, content), watching)).toBe(false);
    expect(await namesIn(directory)).toEqual(['d/']);
    expect(told).not.toHaveBeenCalled();
  });

  it('with a hostile name is left to a transfer, which refuses it', async () => {
    const [near, far] = await sessionPair();
    const { directory } = await waiting(far);
    const names = hostileOffers.flatMap(({ batches }) => batches.flat()).map(({ path }) => path);
    const alone = names.filter((name) => !/^[\w.-]*$/.test(name) || name.startsWith('.xfer-'));
    expect(alone.length).toBeGreaterThan(20);
    for (const path of alone) {
      const hasSlash = path.includes('/');
      const isTaken = await sendParcel(near, parcel({ path }), watching);
      expect(isTaken && hasSlash, JSON.stringify(path)).toBe(false);
    }
    for (const name of await namesIn(directory)) expect(name.startsWith('.xfer-')).toBe(false);
  });

  it('never goes through a link that stands at its name, nor into a directory', async () => {
    const [near, far] = await sessionPair();
    const { directory } = await waiting(far);
    const outside = join(await temporaryDirectory(), 'secret');
    await writeFile(outside, 'secret');
    await symlink(outside, join(directory, 'a'));
    await mkdir(join(directory, 'b'));
    expect(await sendParcel(near, parcel(), watching)).toBe(true);
    expect(await sendParcel(near, parcel({ path: 'b' }), watching)).toBe(false);
    expect([await readFile(outside, 'utf8'), await namesIn(directory)]).toEqual(['secret', ['a', 'b/']]);
  });

  it.each<[string, ReceivePolicy]>([
    ['asks', { overwrite: 'ask' }],
    ['never overwrites', { overwrite: 'never' }],
    ['renames', { overwrite: 'rename' }],
    ['syncs', { syncs: true }],
    ['takes less', { maxBytes: 2 }],
  ])('is left to a transfer by a receiver that %s', async (_, policy) => {
    const [near, far] = await sessionPair();
    const { directory } = await waiting(far, policy);
    expect(await sendParcel(near, parcel(), watching)).toBe(false);
    expect(await namesIn(directory)).toEqual([]);
  });

  it('is not written where who may send has changed', async () => {
    const [near, far] = await sessionPair();
    const { directory, watched } = await waiting(far);
    await writeFile(watched.path, 'somebody was removed');
    expect(await sendParcel(near, parcel(), watching)).toBe(false);
    expect(await namesIn(directory)).toEqual([]);
  });

  it('that cannot be written is left to a transfer, which says why', async () => {
    const [near, far] = await sessionPair();
    const full = withFiles({ writeFiles: () => Promise.reject(new Error('full')) });
    await waiting(far, {}, full);
    expect(await sendParcel(near, parcel(), watching)).toBe(false);
  });
});

describe('a sender of a parcel', () => {
  const lone = async () => {
    const [near, far] = await sessionPair();
    const receiver = new Rogue(far);
    const stop = new AbortController();
    const sending = sendParcel(near, parcel(), stop.signal);
    sending.catch(() => undefined);
    await receiver.hears('parcel');
    return { near, receiver, stop, sending };
  };

  it('tells a receiver that it was interrupted', async () => {
    const { receiver, stop, sending } = await lone();
    stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
    await expect(sending).rejects.toEqual(failure('ERR_XFER_INTERRUPTED'));
    expect(await receiver.isTold()).toContain('ERR_XFER_INTERRUPTED');
  });

  it('that is interrupted before it says anything says nothing', async () => {
    const [near, far] = await sessionPair();
    const receiver = new Rogue(far);
    const reason = new XferError('ERR_XFER_INTERRUPTED', 'stop');
    await expect(sendParcel(near, parcel(), AbortSignal.abort(reason))).rejects.toBe(reason);
    await receiver.isTold();
    expect(receiver.heard.map(({ type }) => type)).toEqual(['abort']);
  });

  it.each<[string, (receiver: Rogue) => unknown, string]>([
    ['says something else', (receiver) => receiver.say({ type: 'pong', number: 1 }), 'it says pong'],
    ['says what is no message', (receiver) => receiver.session.sendControl(Buffer.from([0xff])), 'control'],
    ['sends content', (receiver) => receiver.content(0, 10), 'it sent content'],
  ])('ends with a receiver that %s', async (_, misbehave, words) => {
    const { receiver, sending } = await lone();
    void misbehave(receiver);
    await expect(sending).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
    expect(await receiver.isTold()).toContain(words);
  });

  it('hears why a receiver ends it, and that one is lost', async () => {
    const first = await lone();
    first.receiver.say({ type: 'abort', wire: 4, message: 'stop' });
    await expect(first.sending).rejects.toEqual(failure('ERR_XFER_PEER_INTERRUPTED'));
    const second = await lone();
    second.receiver.session.finish();
    await expect(second.sending).rejects.toEqual(failure('ERR_XFER_CONNECTION_LOST'));
  });
});

describe('the memory of a parcel', () => {
  it.each([
    ['is handed back with the answer', 2, 1],
    ['is not while it may be said again', 1, 0],
  ])('%s', async (_, acknowledged, times) => {
    const { session, rogue } = await meetRogue();
    const handBack = vi.fn();
    const sending = sendParcel(session, { ...parcel(), handBack }, watching);
    rogue.lane.sendControl(2, acknowledged, encodeTransferMessage({ type: 'parcelled', isTaken: true }));
    rogue.push();
    expect(await sending).toBe(true);
    expect(handBack).toHaveBeenCalledTimes(times);
  });

  it('is written to by nobody while its parcel is under way', async () => {
    const [near, far] = await sessionPair();
    const { directory } = await waiting(far);
    const top = await temporaryDirectory();
    const memory = parcelMemory(100_000);
    for (const [i, size] of [100_000, 5, 70_000, 0].entries()) {
      const path = join(top, `f${i}`);
      await writeFile(path, Buffer.alloc(size, i + 1));
      const read = await readParcel(files, path, memory);
      if (!read) throw new Error('it is no parcel');
      expect(await sendParcel(near, read, watching)).toBe(true);
      expect((await readFile(join(directory, `f${i}`))).equals(await readFile(path))).toBe(true);
    }
  });
});

describe('a receiver', () => {
  const slow = async (content?: string) => {
    const [near, far] = await sessionPair();
    const write = held(files.writeFiles);
    const receiver = await waiting(far, {}, withFiles({ writeFiles: write.call }));
    const sender = new Rogue(near);
    sender.say({ type: 'parcel', ...parcel({}, content) });
    await vi.waitFor(() => expect(write.waiting).toHaveLength(1));
    return { ...receiver, sender, write };
  };

  it.each<[string, (sender: Rogue) => void, string]>([
    ['another parcel', (sender) => sender.say({ type: 'parcel', ...parcel() }), 'before the last one'],
    ['a beginning', (sender) => sender.say(beginning), 'before its parcel was answered'],
  ])('refuses %s before it has answered', async (_, say, words) => {
    const { sender, running, write } = await slow();
    say(sender);
    expect(await sender.isTold()).toContain(words);
    write.release();
    await expect(running).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
  });

  it('writes what it was sent, whatever comes meanwhile', async () => {
    const content = 'x'.repeat(100_000);
    const { sender, running, write, directory } = await slow(content);
    sender.say({ type: 'parcel', ...parcel({}, 'y'.repeat(100_000)) });
    expect(await sender.isTold()).toContain('before the last one');
    write.release();
    await expect(running).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
    expect(await readFile(join(directory, 'a'), 'utf8')).toBe(content);
  });

  it('is over only when what it was writing is', async () => {
    const { running, stop, write, directory } = await slow();
    const isOver = vi.fn();
    running.catch(isOver);
    stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).not.toHaveBeenCalled();
    write.release();
    await expect(running).rejects.toEqual(failure('ERR_XFER_INTERRUPTED'));
    expect(await namesIn(directory)).toEqual(['a']);
  });

  it('takes none in the first transfer of a session, nor within one', async () => {
    const { directory, ...rest } = await slow();
    rest.write.release();
    await rest.sender.hears('parcelled');
    rest.sender.say(beginning);
    rest.sender.say({ type: 'parcel', ...parcel({ path: 'b' }) });
    expect(await rest.sender.isTold()).toContain('it says parcel');
    expect(await namesIn(directory)).toEqual(['a']);
  });
});

describe('what is read as a parcel', () => {
  it.each<[string, (path: string) => Promise<void>]>([
    ['nothing', () => Promise.resolve()],
    ['a directory', (path) => mkdir(path).then(() => undefined)],
    ['too large a file', (path) => writeFile(path, Buffer.alloc(1001))],
  ])('is not %s', async (_, make) => {
    const path = join(await temporaryDirectory(), 'x');
    await make(path);
    expect(await readParcel(files, path, parcelMemory(1000))).toBeUndefined();
  });

  it('has the name that was given, and what a link leads to', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'file'), 'abc');
    await symlink('file', join(directory, 'link'));
    const read = await readParcel(files, join(directory, 'link'), parcelMemory(1000));
    expect(read?.entry).toMatchObject({ id: 0, path: 'link', size: 3, target: '' });
  });

  it('has no holes', async () => {
    const path = join(await temporaryDirectory(), 'sparse');
    await writeFile(path, '');
    await truncate(path, 100_000);
    expect(await readParcel(files, path, parcelMemory(200_000))).toBeUndefined();
  });
});
