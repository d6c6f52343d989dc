import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { nativeApi } from '../../../src/native/index.js';
import type { Session } from '../../../src/session/session.js';
import { ReceiveTransfer } from '../../../src/transfer/receive-transfer.js';
import { scan } from '../../../src/transfer/scan.js';
import { SendTransfer } from '../../../src/transfer/send-transfer.js';
import { failure } from './rogue-kit.js';
import {
  beginning,
  entry,
  namesIn,
  Rogue,
  sendingOptions,
  sessionPair,
  temporaryDirectory,
} from './transfer-kit.js';

interface Received {
  readonly transfer: ReceiveTransfer;
  readonly running: Promise<{ files: number; bytes: number }>;
}

/** Transfers that are received one behind the other, each as soon as that is allowed. */
async function receiveAll(session: Session): Promise<{ directory: string; received: Received[] }> {
  const native = nativeApi();
  const directory = await temporaryDirectory();
  const root = await native.files.openRoot(directory);
  onTestFinished(() => native.files.close(root));
  const { signal } = new AbortController();
  const received: Received[] = [];
  const begin = (firstRecord: number, after: Promise<unknown>) => {
    const transfer: ReceiveTransfer = new ReceiveTransfer({
      ...{ session, native, root, signal, firstRecord, after },
      onAnother: (next) => begin(next, running),
      onProgress: () => undefined,
      onNote: () => undefined,
      onCommitting: () => undefined,
    });
    const running = transfer.run();
    running.catch(() => undefined);
    received.push({ transfer, running });
  };
  begin(0, Promise.resolve());
  return { directory, received };
}

const later = () => ({ key: new Uint8Array(16).fill(8) });

describe('several transfers on one session', () => {
  it('arrive one behind the other, with records that go on counting', async () => {
    const [near, far] = await sessionPair();
    const { directory, received } = await receiveAll(far);
    const top = await temporaryDirectory();
    let nextRecord = 0;
    for (const name of ['a', 'b', 'none', 'c']) {
      if (name === 'none') await mkdir(join(top, name));
      else await writeFile(join(top, name), name.repeat(100_000));
      const summary = await new SendTransfer({
        ...{ session: near, ...sendingOptions, firstRecord: nextRecord, keepsSession: true },
        batches: scan([join(top, name)], { onProblem: () => undefined }),
        signal: new AbortController().signal,
        onProgress: () => undefined,
        onProblem: () => undefined,
        onCommitting: () => undefined,
      }).run();
      expect(summary.nextRecord).toBe(name === 'none' ? nextRecord : nextRecord + 1);
      ({ nextRecord } = summary);
    }
    for (const name of ['a', 'b', 'c'])
      expect(await readFile(join(directory, name), 'utf8')).toBe(name.repeat(100_000));
    expect(await namesIn(directory)).toEqual(['a', 'b', 'c', 'none/']);
    await vi.waitFor(() => expect(received).toHaveLength(5));
    for (const { running } of received.slice(0, 4)) await running;
    near.finish();
    await expect(received[4]?.running).rejects.toEqual(failure('ERR_XFER_TRUNCATED'));
    expect(received[4]?.transfer.hasBegun).toBe(false);
  });
});

/** A rogue sender whose first transfer, one record of an `a`, is committed, and acknowledged as such. */
async function meetBehindOne() {
  const [near, far] = await sessionPair();
  const sender = new Rogue(near);
  const receiver = await receiveAll(far);
  sender.say(beginning);
  sender.say({ type: 'manifest', entries: [entry(0, 'a', { size: 1 })] });
  await sender.body(Buffer.from('a'), { entry: 0 });
  sender.say({ type: 'finished', ids: [0] });
  sender.end({ entries: 1, files: 1, bytes: 1 });
  await sender.hears('committed');
  near.confirm();
  await vi.waitFor(() => expect(receiver.received).toHaveLength(2));
  return { sender, ...receiver };
}

describe('a late copy of a record of an earlier transfer', () => {
  it('is never written into the next one, whether it comes before that begins or behind', async () => {
    const { sender, directory, received } = await meetBehindOne();
    const old = { entry: 0, number: 0 };
    // More than may wait for a beginning.
    for (let copies = 0; copies < 20; copies++) await sender.body(Buffer.from('X'), old);
    sender.say({ ...beginning, ...later() });
    sender.say({ type: 'manifest', entries: [entry(0, 'b', { size: 1 })] });
    await sender.body(Buffer.from('X'), old);
    await sender.body(Buffer.from('b'), { entry: 0, number: 1 });
    sender.say({ type: 'finished', ids: [0] });
    sender.end({ entries: 1, files: 1, bytes: 1, records: 2 });
    expect(await received[1]?.running).toMatchObject({ files: 1, bytes: 1 });
    expect(await readFile(join(directory, 'b'), 'utf8')).toBe('b');
    expect(await readFile(join(directory, 'a'), 'utf8')).toBe('a');
  });

  it('does not count as one of the next: what lacks is not committed', async () => {
    const { sender, directory, received } = await meetBehindOne();
    sender.say({ ...beginning, ...later() });
    sender.say({ type: 'manifest', entries: [entry(0, 'b', { size: 1 })] });
    await sender.body(Buffer.from('X'), { entry: 0, number: 0 });
    sender.say({ type: 'finished', ids: [0] });
    sender.end({ entries: 1, files: 1, bytes: 1, records: 1 });
    expect(await sender.isTold()).toContain('ERR_XFER_TRUNCATED');
    await expect(received[1]?.running).rejects.toEqual(failure('ERR_XFER_TRUNCATED'));
    expect(await namesIn(directory)).toEqual(['a']);
  });
});

describe('between two transfers', () => {
  it('a ping is answered, as often as it comes', async () => {
    const { sender } = await meetBehindOne();
    sender.say({ type: 'ping', number: 4 });
    expect(await sender.hears('pong')).toEqual({ type: 'pong', number: 4 });
  });

  it.each([
    ['a message of a transfer', { type: 'finished', ids: [0] } as const, 'it does not begin'],
    [
      'an end',
      { type: 'end', entries: 0, files: 0, bytes: 0, records: 1, remove: false } as const,
      'it does not begin',
    ],
  ])('%s is a breach', async (_, message, words) => {
    const { sender, received } = await meetBehindOne();
    sender.say(message);
    expect(await sender.isTold()).toContain(words);
    await expect(received[1]?.running).rejects.toEqual(failure('ERR_XFER_PROTOCOL'));
  });

  it('and in the middle of one a ping is a breach', async () => {
    const { sender } = await meetBehindOne();
    sender.say({ ...beginning, ...later() });
    sender.say({ type: 'ping', number: 1 });
    expect(await sender.isTold()).toContain('it says ping');
  });
});

it('a second begin before the first transfer has ended is a breach', async () => {
  const [near, far] = await sessionPair();
  const sender = new Rogue(near);
  await receiveAll(far);
  sender.say(beginning);
  sender.say({ ...beginning, ...later() });
  expect(await sender.isTold()).toContain('it begins twice');
});
