import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { LaneProgress, ListeningEvent, XferEvent } from '../../../src/app/events.js';
import { receive } from '../../../src/app/receive.js';
import { send } from '../../../src/app/send.js';
import { XferError } from '../../../src/errors/index.js';
import { RelayNet } from '../../support/relay-net.js';
import { temporaryDirectory } from '../transfer/transfer-kit.js';

it('who sends tells of each lane what that has carried, and who receives of none', async () => {
  const net = new RelayNet({});
  const stop = new AbortController();
  onTestFinished(() => {
    stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'the test is over'));
    return net.close();
  });
  const work = await temporaryDirectory();
  const homes = [join(work, 'here'), join(work, 'there')] as const;
  await Promise.all(homes.map((home) => mkdir(home)));
  const bytes = 1 << 20;
  await writeFile(join(work, 'file'), Buffer.alloc(bytes, 'content '));
  const common = { transports: net.registry, signal: stop.signal, compress: 'off' } as const;
  const told = { here: [] as XferEvent[], there: [] as XferEvent[] };
  let received: Promise<unknown> = Promise.resolve();
  const { addresses, code } = await new Promise<ListeningEvent>((resolve, reject) => {
    received = receive({
      ...{ ...common, home: homes[1], directory: join(work, 'out') },
      ...{ listen: ['memory://127.0.0.1:0'], once: true },
      onEvent: (event) => {
        told.there.push(event);
        if (event.event === 'listening') resolve(event);
      },
    });
    received.catch(reject);
  });
  await send({
    ...{ ...common, home: homes[0], paths: [join(work, 'file')], lanes: 1 },
    ...{ target: addresses[0] ?? '', code: code ?? '' },
    onEvent: (event) => told.here.push(event),
  });
  await received;
  const lanesOf = (events: readonly XferEvent[]): LaneProgress[] =>
    events.flatMap((event) => (event.event === 'progress' ? (event.lanes ?? []) : []));
  const last = lanesOf(told.here).at(-1);
  expect(last).toMatchObject({ lane: 0, transport: 'memory' });
  expect(last?.bytes).toBeGreaterThan(bytes);
  // What it does not see it does not tell.
  expect(last).not.toHaveProperty('lost');
  expect(lanesOf(told.there)).toEqual([]);
});
