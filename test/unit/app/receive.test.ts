import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Connection } from 'xfer/plugin';
import type { ListeningEvent } from '../../../src/app/events.js';
import { receive } from '../../../src/app/receive.js';
import { openSendPool } from '../../../src/app/send-pool.js';
import { readAll } from '../../../src/compliance/pair.js';
import { XferError } from '../../../src/errors/index.js';
import { parseUrl } from '../../../src/transport/address.js';
import { measuringByte, measuringHeader } from '../../../src/transport/measuring.js';
import { TransportRegistry } from '../../../src/transport/registry.js';
import { memory } from '../../support/memory-transport.js';
import { temporaryDirectory } from '../transfer/transfer-kit.js';

let transports: TransportRegistry;
let work: string;
let stop: AbortController;
beforeEach(async () => {
  transports = new TransportRegistry();
  transports.add(memory(), 'test');
  work = await temporaryDirectory();
  stop = new AbortController();
});
afterEach(() => {
  vi.useRealTimers();
  stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'the test is over'));
});

/** Starts it; `url` is where it listens, `code` what a sender needs. */
async function receiver(once: boolean) {
  const home = join(work, 'receiver');
  await mkdir(home);
  let running: Promise<unknown> = Promise.resolve();
  const listening = await new Promise<ListeningEvent>((resolve, reject) => {
    running = receive({
      ...{ home, directory: join(work, 'out'), listen: ['memory://127.0.0.1:0'], once, remember: true },
      ...{ signal: stop.signal, transports },
      onEvent: (event) => event.event === 'listening' && resolve(event),
    });
    running.catch(reject);
  });
  return { url: listening.addresses[0] ?? '', code: listening.code ?? '', running };
}

async function dial(url: string): Promise<Connection> {
  const transport = await transports.get('memory');
  return transport.dial(parseUrl(url), { signal: new AbortController().signal });
}

describe('who measures the path to a receiver', () => {
  it('does not keep it when it is to end', async () => {
    const { url, running } = await receiver(true);
    const connection = await dial(url);
    const stream = connection.openStream({ header: measuringHeader });
    stream.send(Uint8Array.of(measuringByte.content));
    await stream.opened;
    // Whatever has a time to end by does not end any more.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
    await expect(running).rejects.toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
    await connection.closed;
  });

  it('is not told that it is busy by a session that only waits for another transfer', async () => {
    const { url, code, running } = await receiver(false);
    running.catch(() => undefined);
    const home = join(work, 'sender');
    const path = join(work, 'file');
    await Promise.all([mkdir(home), writeFile(path, 'content')]);
    const pool = openSendPool({ home, transports });
    await pool.send({ paths: [path], target: url, code, remember: true });
    expect(pool.metrics().idle).toBe(1);
    const measured = async () => {
      const connection = await dial(url);
      const stream = connection.openStream({ header: measuringHeader });
      stream.send(Uint8Array.of(measuringByte.content));
      stream.closeWrite();
      const [first] = await readAll(stream);
      connection.abort(new Error('enough'));
      return first;
    };
    // The sender knows of the commit before the receiver knows that it does.
    await vi.waitFor(async () => expect(await measured()).toBe(measuringByte.report), { interval: 200 });
    expect(pool.metrics().idle).toBe(1);
    stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'stop'));
    await Promise.all([pool.close(), expect(running).rejects.toThrow('stop')]);
  });
});
