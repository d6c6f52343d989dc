import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { ReceiveTransfer } from '../../../src/transfer/receive-transfer.js';
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
