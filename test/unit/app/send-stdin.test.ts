import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ListeningEvent } from '../../../src/app/events.js';
import type { ReceiveOptions } from '../../../src/app/options.js';
import { receive } from '../../../src/app/receive.js';
import { sendStdin } from '../../../src/app/send-stdin.js';
import { XferError } from '../../../src/errors/index.js';
import { TransportRegistry } from '../../../src/transport/registry.js';
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

  it.each(['../up', 'a/b', '.xfer-a.part', ''])('is not taken under the name %j', async (name) => {
    const { out, source, send, received } = await meet();
    const sent = send(name);
    source.push('content').end();
    await expect(sent).rejects.toMatchObject({
      code: name === '' ? 'ERR_XFER_USAGE' : 'ERR_XFER_HOSTILE_NAME',
    });
    if (name !== '') await expect(received).rejects.toMatchObject({ code: 'ERR_XFER_HOSTILE_NAME' });
    expect(await readdir(out)).toEqual([]);
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
