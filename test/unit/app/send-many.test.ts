import { readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../src/compliance/pair.js';
import type { XferEvent } from '../../../src/app/events.js';
import { RateLimit } from '../../../src/app/rate-limit.js';
import {
  expectSame,
  FanOutNet,
  interrupted,
  notesFor,
  sharedLanes,
  type OneReceiver,
} from '../../support/fan-out-net.js';
import { temporaryDirectory } from '../transfer/transfer-kit.js';

const MiB = 1024 * 1024;

let net: FanOutNet;
beforeEach(async () => (net = new FanOutNet(await temporaryDirectory())));
afterEach(() => net.close());

const sentBytes = (events: readonly XferEvent[]) =>
  Math.max(...events.map((event) => (event.event === 'progress' ? event.sent : 0)));

const doneOf = (events: readonly XferEvent[], { url }: OneReceiver) =>
  events.find((event) => event.event === 'done' && event.target === url);

async function tree(): Promise<string> {
  const sizes = [0, 1, 5_000, 70_000, 300_000, 65_536, 3 * MiB];
  for (const [i, size] of sizes.entries()) await net.file(`tree/d${i % 3}/f${i}`, size);
  // Those that are opened one by one must come in the same order for all.
  for (let i = 0; i < 60; i++) await net.file(`tree/middling/${i}`, 66_000 + 1000 * i);
  for (let i = 0; i < 700; i++) await net.file(`tree/many/${i}`, i);
  return `${net.work}/tree`;
}

describe('what goes to several receivers', () => {
  it('arrives whole at each, sealed once for all', async () => {
    const receivers = await net.receivers(3);
    const paths = [await net.file('big', 9 * MiB), await tree()];
    const { running, events } = await net.send(paths, receivers);
    const results = await running;
    expect(results.map(({ bytes, files }) => [bytes, files])).toEqual(
      results.map(() => [results[0]!.bytes, 768]),
    );
    for (const receiver of receivers) {
      await receiver.running;
      await expectSame(paths[0]!, receiver, 'big');
      for (const name of ['d0/f3', 'd0/f6', 'd1/f4', 'middling/59', 'many/699'])
        await expectSame(`${paths[1]!}/${name}`, receiver, `tree/${name}`);
      expect(await readdir(`${receiver.directory}/tree/many`)).toHaveLength(700);
      expect(sharedLanes(events, receiver)).toEqual(['up']);
      expect(doneOf(events, receiver)).toMatchObject({ lanes: 2, files: 768 });
      expect(notesFor(events, receiver)).toEqual([]);
    }
  });

  it('crosses the hop to a relay once', async () => {
    const relay = await net.net.relay();
    const receivers = await net.receivers(3);
    const path = await net.file('big', 12 * MiB);
    const { running, events } = await net.send([path], receivers, { via: [relay.url] });
    await running;
    for (const receiver of receivers) await expectSame(path, receiver, 'big');
    expect(net.bytesTo(relay.url)).toBeGreaterThan(12 * MiB);
    expect(net.bytesTo(relay.url)).toBeLessThan(12 * MiB * 1.1);
    expect(sentBytes(events)).toBe(12 * MiB);
    for (const { url } of receivers) expect(net.bytesTo(url)).toBeGreaterThan(12 * MiB);
  });

  it('arrives at the others when one dies, which is told of once', async () => {
    const receivers = await net.receivers(3);
    const [first, dying, third] = receivers as [OneReceiver, OneReceiver, OneReceiver];
    const path = await net.file('big', 40 * MiB);
    net.tamper.set(Number(dying.url.split(':').at(-1)), (bytes, passed) => {
      if (passed > 6 * MiB) {
        dying.stop.abort(interrupted());
        net.cut(dying.url);
      }
      return bytes;
    });
    const { running, events } = await net.send([path], receivers, { retryMs: 0 });
    await expect(running).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST' });
    for (const receiver of [first, third]) {
      await expectSame(path, receiver, 'big');
      expect(sharedLanes(events, receiver)).toEqual(['up']);
      expect(doneOf(events, receiver)).toMatchObject({ bytes: 40 * MiB });
    }
    const errors = events.filter(({ event }) => event === 'error');
    expect(errors).toMatchObject([{ target: dying.url, code: 'ERR_XFER_CONNECTION_LOST', exit: 3 }]);
  });

  it('is mended for the one whose branch of a relay is tampered with, and nobody else', async () => {
    const relay = await net.net.relay();
    const receivers = await net.receivers(3);
    const [, victim] = receivers as [OneReceiver, OneReceiver, OneReceiver];
    const path = await net.file('big', 20 * MiB);
    let isDone = false;
    net.tamper.set(Number(victim.url.split(':').at(-1)), (bytes, passed) => {
      if (isDone || passed < 5 * MiB || bytes.length < 60_000) return bytes;
      isDone = true;
      const altered = Uint8Array.from(bytes);
      altered[40_000] = (altered[40_000] ?? 0) ^ 1;
      return altered;
    });
    const { running, events } = await net.send([path], receivers, { via: [relay.url] });
    await running;
    expect(isDone).toBe(true);
    for (const receiver of receivers) {
      await expectSame(path, receiver, 'big');
      expect(sharedLanes(events, receiver)).toEqual(receiver === victim ? ['up', 'down'] : ['up']);
    }
    expect(notesFor(events, victim)).toEqual([
      'the receiver has lost the lane that all share: it gets the rest by itself',
    ]);
    expect(sentBytes(events)).toBeLessThan(40 * MiB);
  });

  it('waits no longer than 5 s for a branch that stands still, which gets the rest by itself', async () => {
    const relay = await net.net.relay();
    const receivers = await net.receivers(3);
    const [, still] = receivers as [OneReceiver, OneReceiver, OneReceiver];
    const path = await net.file('big', 60 * MiB);
    net.tamper.set(Number(still.url.split(':').at(-1)), (bytes, passed, { dialer }) => {
      if (passed > 10 * MiB && notesFor(events, still).length === 0) dialer.hooks.held = true;
      return bytes;
    });
    const { running, events } = await net.send([path], receivers, { via: [relay.url] });
    const begun = performance.now();
    await running;
    expect(performance.now() - begun).toBeLessThan(20_000);
    for (const receiver of receivers) await expectSame(path, receiver, 'big');
    expect(notesFor(events, still)).toHaveLength(1);
    expect(sharedLanes(events, still)).toEqual(['up', 'down']);
  }, 60_000);

  it('goes to the others where one cannot be reached at all', async () => {
    const receivers = await net.receivers(2);
    const path = await net.file('big', 3 * MiB);
    const nobody = { ...receivers[0]!, url: 'memory://127.0.0.1:9999' };
    const { running, events } = await net.send([path], [...receivers, nobody]);
    await expect(running).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED' });
    for (const receiver of receivers) {
      await expectSame(path, receiver, 'big');
      expect(sharedLanes(events, receiver)).toEqual(['up']);
    }
  });

  it('goes to each by itself where it is compared', async () => {
    const receivers = await net.receivers(2);
    const path = await net.file('big', 3 * MiB);
    const { running, events } = await net.send([path], receivers, { update: 'digest' });
    await running;
    for (const receiver of receivers) {
      await expectSame(path, receiver, 'big');
      expect(sharedLanes(events, receiver)).toEqual([]);
    }
  });

  it('tells one progress and one phase of all, and keeps to one limit', async () => {
    const receivers = await net.receivers(3);
    const path = await net.file('big', 6 * MiB);
    const begun = performance.now();
    const limit = new RateLimit(9 * MiB);
    const { running, events } = await net.send([path], receivers, { limit });
    await running;
    // Directly it goes three times.
    expect(performance.now() - begun).toBeGreaterThan(1500);
    const phases = events.flatMap((event) => (event.event === 'phase' ? [event.phase] : []));
    expect(phases).toEqual(['connect', 'pair', 'transfer', 'commit']);
    const progress = events.flatMap((event) => (event.event === 'progress' ? [event] : []));
    expect(progress.at(-1)).toMatchObject({ bytes: 6 * MiB, total: 6 * MiB, sent: 18 * MiB, files: 1 });
    for (const [i, { bytes }] of progress.entries())
      expect(bytes).toBeGreaterThanOrEqual(progress[i - 1]?.bytes ?? 0);
  });

  it('ends at once for all where it is interrupted, without a word on each', async () => {
    const receivers = await net.receivers(2);
    const path = await net.file('big', 30 * MiB);
    const { running, events, stop } = await net.send([path], receivers);
    await until(() => receivers.every((receiver) => net.bytesTo(receiver.url) > MiB));
    stop.abort(interrupted());
    await expect(running).rejects.toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
    expect(events.filter(({ event }) => event === 'error')).toEqual([]);
    for (const receiver of receivers) await expect(receiver.running).rejects.toThrow();
  });

  it('writes nothing any more when it has ended', async () => {
    const receivers = await net.receivers(2);
    const path = await net.file('big', 8 * MiB);
    for (const { url } of receivers)
      net.tamper.set(Number(url.split(':').at(-1)), (bytes, passed, { dialer }) => {
        dialer.hooks.held = passed > MiB;
        return bytes;
      });
    const { running, stop } = await net.send([path], receivers);
    const notes = () =>
      readdirSync(`${net.work}/home-sender`).filter((name) => name.startsWith('unfinished'));
    await until(() => notes().length > 0);
    stop.abort(interrupted());
    await expect(running).rejects.toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
    expect(notes()).toEqual(['unfinished.json']);
    for (const { stop, running } of receivers) {
      stop.abort(interrupted());
      await expect(running).rejects.toThrow();
    }
  });

  it('is refused before anything is dialled where a target is named twice', async () => {
    const [receiver] = await net.receivers(1);
    const path = await net.file('big', 1);
    const { running } = await net.send([path], [receiver!, receiver!]);
    await expect(running).rejects.toMatchObject({ code: 'ERR_XFER_USAGE' });
    expect(net.linksTo(receiver!.url)).toEqual([]);
    receiver!.stop.abort(interrupted());
  });
});
