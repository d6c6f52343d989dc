import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ListeningEvent } from '../../../src/app/events.js';
import type { ReceiveOptions } from '../../../src/app/options.js';
import { receive } from '../../../src/app/receive.js';
import { sendToMany } from '../../../src/app/send-many.js';
import { sendStdin } from '../../../src/app/send-stdin.js';
import { XferError } from '../../../src/errors/index.js';
import { TransportRegistry } from '../../../src/transport/registry.js';
import { hostileOffers } from '../../support/hostile-names.js';
import { memory } from '../../support/memory-transport.js';
import { temporaryDirectory } from '../../support/run-xfer.js';
import { HandEndpoint } from './pipe-app-kit.js';

/** A receiver of one transfer; `send` gives it what a hand source says. */
async function meet(policy: ReceiveOptions['policy'] = {}) {
  const transports = new TransportRegistry();
  transports.add(memory(), 'test');
  const work = await temporaryDirectory();
  const out = join(work, 'out');
  const homes = ['there', 'here'].map((name) => join(work, name));
  await Promise.all([out, ...homes].map((path) => mkdir(path)));
  const stop = new AbortController();
  onTestFinished(() => stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'the test is over')));
  const common = { transports, signal: stop.signal };
  let received: Promise<unknown> = Promise.resolve();
  const listening = await new Promise<ListeningEvent>((resolve, reject) => {
    received = receive({
      ...{ ...common, home: homes[0] ?? '', directory: out, listen: ['memory://127.0.0.1:0'] },
      ...{ once: true, policy },
      onEvent: (event) => event.event === 'listening' && resolve(event),
    });
    received.catch(reject);
  });
  const source = new HandEndpoint('-');
  const send = (name: string) => {
    const sent = sendStdin({
      ...{ ...common, home: homes[1] ?? '', paths: ['-'], name, stdio: () => source },
      ...{ target: listening.addresses[0] ?? '', code: listening.code ?? '' },
      onEvent: () => undefined,
    });
    sent.catch(() => undefined);
    return sent;
  };
  return { out, source: source.hand, send, received };
}

describe('what comes from stdin', () => {
  it('is a file of the receiver when all of it has come', async () => {
    const { out, source, send, received } = await meet();
    const sent = send('notes.txt');
    source.push('some ', 'notes').end();
    expect(await sent).toMatchObject({ role: 'send', files: 1, bytes: 10 });
    expect(await received).toMatchObject({ role: 'recv', files: 1, bytes: 10 });
    expect(await readFile(join(out, 'notes.txt'), 'utf8')).toBe('some notes');
    expect(await readdir(out)).toEqual(['notes.txt']);
  });

  it('leaves nothing there when the source fails', async () => {
    const { out, source, send, received } = await meet();
    const sent = send('notes.txt');
    source.push('half', new XferError('ERR_XFER_COMMAND_FAILED', 'it died'));
    await expect(sent).rejects.toMatchObject({ code: 'ERR_XFER_COMMAND_FAILED' });
    await expect(received).rejects.toMatchObject({ code: 'ERR_XFER_COMMAND_FAILED' });
    expect(await readdir(out)).toEqual([]);
  });

  // Every name that a manifest is refused for is one here; and so is any path.
  const hostile = hostileOffers
    .filter(({ batches }) => batches.length === 1 && batches[0]?.length === 2)
    .flatMap(({ batches }) => batches[0]?.[1]?.path ?? []);

  it.each(['a/b', ...hostile])('is not taken under the name %j', async (name) => {
    const { out, source, send, received } = await meet();
    const sent = send(name);
    source.push('content').end();
    const isNone = name === '' || name.length > 255;
    await expect(sent).rejects.toMatchObject({ code: isNone ? 'ERR_XFER_USAGE' : 'ERR_XFER_HOSTILE_NAME' });
    if (!isNone) await expect(received).rejects.toMatchObject({ code: 'ERR_XFER_HOSTILE_NAME' });
    expect(await readdir(out)).toEqual([]);
    expect((await readdir(dirname(out))).sort()).toEqual(['here', 'out', 'there']);
  });

  it('replaces a link that stands there, and writes nothing through it', async () => {
    const { out, source, send, received } = await meet({ overwrite: 'always' });
    const outside = join(dirname(out), 'outside');
    await writeFile(outside, 'untouched');
    await symlink(outside, join(out, 'notes.txt'));
    const sent = send('notes.txt');
    source.push('content').end();
    await Promise.all([sent, received]);
    expect(await readFile(outside, 'utf8')).toBe('untouched');
    expect((await lstat(join(out, 'notes.txt'))).isFile()).toBe(true);
  });

  it('is checked as it grows: no more than may come is ever there', async () => {
    const { out, source, send, received } = await meet({ maxBytes: 8 });
    const sent = send('notes.txt');
    source.push('eight by');
    await vi.waitFor(async () => expect(await readdir(out)).toHaveLength(1));
    source.push('te');
    // Nothing ends it but what came too much.
    await expect(sent).rejects.toMatchObject({ code: 'ERR_XFER_REFUSED' });
    await expect(received).rejects.toMatchObject({ code: 'ERR_XFER_REFUSED' });
    expect(await readdir(out)).toEqual([]);
  });

  it('goes to one receiver, which is not this machine', async () => {
    const common = { transports: new TransportRegistry(), signal: new AbortController().signal, home: '' };
    const given = { ...common, paths: ['-'], name: 'notes.txt', onEvent: () => undefined };
    await expect(sendStdin({ ...given, target: 'local:/tmp/x' })).rejects.toMatchObject({
      code: 'ERR_XFER_USAGE',
      remedy: 'write xfer pipe file:/tmp/x/notes.txt',
    });
    await expect(sendToMany({ ...given, targets: ['a', 'b'] })).rejects.toMatchObject({
      code: 'ERR_XFER_USAGE',
    });
  });

  it('does not replace what may not be replaced, and is no more than may come', async () => {
    const kept = await meet({ overwrite: 'never' });
    await writeFile(join(kept.out, 'notes.txt'), 'old');
    kept.source.push('new').end();
    await expect(kept.send('notes.txt')).rejects.toMatchObject({ code: 'ERR_XFER_REFUSED' });
    await expect(kept.received).rejects.toMatchObject({ code: 'ERR_XFER_REFUSED' });
    expect(await readFile(join(kept.out, 'notes.txt'), 'utf8')).toBe('old');
    const small = await meet({ maxBytes: 4 });
    small.source.push('five!').end();
    await expect(small.send('notes.txt')).rejects.toMatchObject({ code: 'ERR_XFER_REFUSED' });
    await expect(small.received).rejects.toMatchObject({ code: 'ERR_XFER_REFUSED' });
    expect(await readdir(small.out)).toEqual([]);
  });
});
