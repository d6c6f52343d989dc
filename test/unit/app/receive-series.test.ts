import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Pinned } from '../../../src/app/session-handler.js';
import { XferError } from '../../../src/errors/index.js';
import { ReceiveTransfer } from '../../../src/transfer/receive-transfer.js';
import { temporaryDirectory } from '../../support/run-xfer.js';
import { ReceiveSeriesKit } from './receive-series-kit.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const run = ReceiveTransfer.prototype.run;

afterEach(() => {
  ReceiveTransfer.prototype.run = run;
  vi.restoreAllMocks();
});

/** What was run from now on, as far as it is still there. */
function watchTransfers(): WeakRef<ReceiveTransfer>[] {
  const seen: WeakRef<ReceiveTransfer>[] = [];
  ReceiveTransfer.prototype.run = function (this: ReceiveTransfer) {
    seen.push(new WeakRef(this));
    return run.call(this);
  };
  return seen;
}

const left = () => new XferError('ERR_XFER_CONNECTION_LOST', 'the sender left');

describe('the transfers of a session', () => {
  it('are let go of when they are over, however many follow', async () => {
    const seen = watchTransfers();
    const kit = await ReceiveSeriesKit.make();
    const running = (await kit.series()).run();
    for (let count = 0; count < 20; count++) {
      kit.begin();
      await kit.end();
      kit.acknowledge();
    }
    await vi.waitFor(() => expect(kit.events.filter(({ event }) => event === 'done')).toHaveLength(20));
    await vi.waitFor(async () => {
      // A weak reference holds until the end of the turn that looked at it.
      await turn();
      collectGarbage();
      expect(seen.filter((one) => one.deref()).length).toBeLessThanOrEqual(3);
    });
    expect(seen).toHaveLength(21);
    kit.lose(left());
    await expect(running).resolves.toMatchObject({ event: 'done' });
  });

  it('are all over when the series ends, though one has begun while the end of another failed', async () => {
    const kit = await ReceiveSeriesKit.make();
    const remember = new Promise<(error: Error) => void>((called) => {
      vi.spyOn(kit.peers, 'remember').mockImplementation(() => new Promise((_, reject) => called(reject)));
    });
    let underWay = 0;
    ReceiveTransfer.prototype.run = async function (this: ReceiveTransfer) {
      underWay++;
      try {
        return await run.call(this);
      } finally {
        await turn();
        underWay--;
      }
    };
    const ended = (await kit.series({ paired: true })).run().catch((error: unknown) => ({ error, underWay }));
    kit.begin();
    await kit.end();
    kit.acknowledge();
    kit.begin();
    const fail = await remember;
    fail(new XferError('ERR_XFER_NO_SPACE', 'there is no room for another peer'));
    expect(await ended).toMatchObject({ error: { code: 'ERR_XFER_NO_SPACE' }, underWay: 0 });
    expect(kit.said.at(-1)).toMatchObject({ type: 'abort', message: 'there is no room for another peer' });
  });

  it('are told one behind the other, each from `connected` to `done`, with the lanes that it had', async () => {
    const kit = await ReceiveSeriesKit.make();
    const running = (await kit.series()).run();
    kit.begin();
    [kit.lanes, kit.laneCount] = [[0, 1, 2], 3];
    await kit.end();
    kit.acknowledge();
    [kit.lanes, kit.laneCount] = [[0], 3];
    // All of it comes at once, before the end of the first was told.
    kit.begin();
    await kit.end();
    kit.acknowledge();
    kit.lose(left());
    await running;
    const told = kit.events.flatMap((event) => {
      if (event.event === 'connected') return ['connected'];
      return event.event === 'done' ? [`done over ${event.lanes}`] : [];
    });
    expect(told).toEqual(['connected', 'done over 3', 'connected', 'done over 1']);
    expect(kit.events.filter(({ event }) => event === 'lane')).toHaveLength(1);
  });

  it('are timed from their own beginning', async () => {
    const kit = await ReceiveSeriesKit.make();
    const now = vi.spyOn(performance, 'now');
    const running = (await kit.series()).run();
    kit.begin();
    await kit.end();
    kit.acknowledge();
    await vi.waitFor(() => expect(kit.events.at(-1)).toMatchObject({ event: 'done' }));
    const later = performance.now() + 3_600_000;
    now.mockReturnValue(later);
    kit.begin();
    await kit.end();
    kit.acknowledge();
    kit.lose(left());
    await running;
    expect(kit.events.findLast(({ event }) => event === 'done')).toMatchObject({ seconds: 0 });
  });
});

describe('a parcel', () => {
  /** Behind a first transfer. */
  const waiting = async () => {
    const kit = await ReceiveSeriesKit.make();
    const running = (await kit.series()).run();
    kit.begin();
    await kit.end();
    kit.acknowledge();
    await vi.waitFor(() => expect(kit.events.at(-1)).toMatchObject({ event: 'done' }));
    onTestFinished(async () => {
      kit.lose(left());
      await running;
    });
    return kit;
  };
  const known = async (): Promise<Pinned> => {
    const path = join(await temporaryDirectory(), 'peers');
    writeFileSync(path, '');
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return { name: 'ann', watched: { path, state: BigInt64Array.of(dev, ino, size, mtimeNs, ctimeNs) } };
  };

  it('is taken of whom this receiver knows, and told of once it was answered', async () => {
    const kit = await waiting();
    kit.pinned = await known();
    kit.isKnown = () => Promise.reject(new Error('it reads who is known'));
    const before = kit.events.length;
    expect(await kit.parcel('a', 'abc')).toBe(true);
    expect(kit.events).toHaveLength(before);
    await turn();
    const told = kit.events.slice(before);
    expect(told.map(({ event }) => event)).toEqual(['connected', 'phase', 'phase', 'progress', 'done']);
    expect(told[0]).toMatchObject({ peer: 'ann', known: true });
    expect(told.at(-1)).toMatchObject({ peer: 'ann', bytes: 3, files: 1 });
    expect(readFileSync(join(kit.out, 'a'), 'utf8')).toBe('abc');
  });

  it('is taken of whom it knows since it has looked again', async () => {
    const kit = await waiting();
    const pinned = await known();
    kit.isKnown = () => {
      kit.pinned = pinned;
      return Promise.resolve(true);
    };
    expect(await kit.parcel('a', 'abc')).toBe(true);
  });

  it.each<[string, (kit: ReceiveSeriesKit) => Promise<void>]>([
    [
      'whom it does not know',
      (kit) => {
        kit.isKnown = () => Promise.resolve(false);
        return Promise.resolve();
      },
    ],
    [
      'whom it knew before somebody changed who is known',
      async (kit) => {
        kit.pinned = await known();
        appendFileSync(kit.pinned.watched.path, 'x');
      },
    ],
  ])('is left to a transfer, which asks, of one %s', async (_, change) => {
    const kit = await waiting();
    await change(kit);
    const before = kit.events.length;
    expect(await kit.parcel('a', 'abc')).toBe(false);
    await turn();
    expect(kit.events).toHaveLength(before);
    expect(existsSync(join(kit.out, 'a'))).toBe(false);
  });

  it('as the first thing of a session is a breach', async () => {
    const kit = await ReceiveSeriesKit.make();
    const running = (await kit.series()).run();
    kit.pinned = await known();
    await expect(kit.parcel('a', 'abc')).rejects.toThrow('it says abort');
    await expect(running).rejects.toMatchObject({ code: 'ERR_XFER_PROTOCOL' });
    expect(existsSync(join(kit.out, 'a'))).toBe(false);
  });
});
