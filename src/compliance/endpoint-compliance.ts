import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { XferError } from '../errors/index.js';
import type { PipeSink } from '../pipe/endpoint.js';
import {
  endpointOptions,
  put,
  sinkOf,
  sourceOf,
  take,
  unitsFor,
  type EndpointComplianceSetup,
  type EndpointPair,
  type EndpointTraits,
} from './endpoint-pair.js';
import { turns } from './pair.js';

const MiB = 1024 * 1024;
/** A write that has not settled after so many turns of the loop waits for the reader. */
const patienceTurns = 300;

/**
 * The one suite that every kind of endpoints passes: the contract of `pipe/endpoint.ts` as tests. What a kind cannot do by
 * its nature its traits say; all else is demanded.
 */
export function endpointCompliance(
  name: string,
  traits: EndpointTraits,
  setup: () => EndpointComplianceSetup | Promise<EndpointComplianceSetup>,
): void {
  const { isLive = true, hasEnd = true, isDuplex = false, isMultipart, abortCode } = traits;
  const { tellsStop = isLive, mostHeldBytes = 32 * MiB } = traits;

  describe(`endpoint ${name}`, () => {
    let made: EndpointComplianceSetup;
    let pairs: EndpointPair[] = [];

    beforeEach(async () => {
      made = await setup();
    });

    afterEach(async () => {
      for (const { near, far } of pairs) {
        await near.close();
        await (await far()).close();
      }
      pairs = [];
    });

    const open = async (use: 'one-way' | 'both' = 'one-way'): Promise<EndpointPair> => {
      const pair = await made.open(use);
      pairs.push(pair);
      return pair;
    };
    const units = (end: PipeSink, bytes: number, seed: number) => unitsFor(end, bytes, seed, isMultipart);

    it('carries content whole, from the sink to the source', async () => {
      const { near, far } = await open();
      const sink = sinkOf(near);
      const content = units(sink, 4 * MiB + 333, 1);
      const writing = put(sink, content).then(() => sink.end());
      if (!isLive) await writing;
      const source = sourceOf(await far());
      expect((await take(source, hasEnd ? Infinity : content.whole.length)).equals(content.whole)).toBe(true);
      await writing;
    });

    if (hasEnd)
      it('carries nothing at all, and its end again and again', async () => {
        const { near, far } = await open();
        const ending = sinkOf(near).end();
        if (!isLive) await ending;
        const source = sourceOf(await far());
        expect((await take(source)).length).toBe(0);
        expect((await take(source)).length).toBe(0);
        await ending;
      });

    it('gives both ends a label, and only what was asked for', async () => {
      const { near, far } = await open();
      if (!isLive) await sinkOf(near).end();
      const other = await far();
      expect([near.label, other.label]).not.toContain('');
      expect([near.source, other.sink]).toEqual([undefined, undefined]);
      expect([sinkOf(near).kind]).toEqual([sourceOf(other).kind]);
    });

    if (isDuplex) {
      it('carries content both ways at once', async () => {
        const { near, far } = await open('both');
        const other = await far();
        const [up, down] = [units(sinkOf(near), 3 * MiB, 2), units(sinkOf(other), 2 * MiB, 3)];
        const [atFar, atNear] = await Promise.all([
          take(sourceOf(other), hasEnd ? Infinity : up.whole.length),
          take(sourceOf(near), hasEnd ? Infinity : down.whole.length),
          put(sinkOf(near), up).then(() => sinkOf(near).end()),
          put(sinkOf(other), down).then(() => sinkOf(other).end()),
        ]);
        expect(atFar.equals(up.whole)).toBe(true);
        expect(atNear.equals(down.whole)).toBe(true);
      });

      if (hasEnd)
        it('ends one way, and the other goes on', async () => {
          const { near, far } = await open('both');
          const other = await far();
          await sinkOf(near).end();
          expect((await take(sourceOf(other))).length).toBe(0);
          const answer = units(sinkOf(other), MiB, 4);
          const [got] = await Promise.all([
            take(sourceOf(near)),
            put(sinkOf(other), answer).then(() => sinkOf(other).end()),
          ]);
          expect(got.equals(answer.whole)).toBe(true);
        });
    }

    if (isLive) {
      it('gives what is there at once, without more behind it', async () => {
        const { near, far } = await open();
        const source = sourceOf(await far());
        for (let round = 0; round < 5; round++) {
          const content = units(sinkOf(near), 1, round);
          const [got] = await Promise.all([take(source, content.whole.length), put(sinkOf(near), content)]);
          expect(got.equals(content.whole)).toBe(true);
        }
      });

      it('holds the writer back while nobody reads, and loses nothing', async () => {
        const { near, far } = await open();
        const [sink, source] = [sinkOf(near), sourceOf(await far())];
        const rounds: Buffer[] = [];
        const taken = { bytes: 0 };
        for (let isTaken = true; isTaken && taken.bytes <= mostHeldBytes;) {
          const content = units(sink, MiB, rounds.length);
          rounds.push(content.whole);
          isTaken = await Promise.race([
            put(sink, content).then(() => ((taken.bytes += MiB), true)),
            turns(patienceTurns).then(() => false),
          ]);
        }
        expect(taken.bytes).toBeLessThanOrEqual(mostHeldBytes);
        const whole = Buffer.concat(rounds);
        expect((await take(source, whole.length)).equals(whole)).toBe(true);
      });

      it('ends a read that waits when it is stopped', async () => {
        const { far } = await open();
        const source = sourceOf(await far());
        const reading = take(source);
        await turns(3);
        source.stop();
        expect((await reading).length).toBe(0);
        expect((await take(source)).length).toBe(0);
      });

      it('settles a read that waits when it is closed', async () => {
        const { far } = await open();
        const other = await far();
        const reading = take(sourceOf(other)).catch(() => 'rejected');
        await turns(3);
        await other.close();
        await reading;
      });
    }

    if (tellsStop)
      it('gives the writer a broken pipe when the reader stops', async () => {
        const { near, far } = await open();
        const sink = sinkOf(near);
        sourceOf(await far()).stop();
        const content = units(sink, MiB, 5);
        const writing = async (): Promise<void> => {
          for (let bytes = 0; bytes <= 2 * mostHeldBytes; bytes += MiB) await put(sink, content);
        };
        await expect(writing()).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
      });

    it('aborts, and can be closed then', async () => {
      const { near, far } = await open();
      const source = isLive ? sourceOf(await far()) : undefined;
      await put(sinkOf(near), units(sinkOf(near), 1000, 6));
      sinkOf(near).abort(new XferError('ERR_XFER_CONNECTION_LOST', 'the content is not whole'));
      if (source && abortCode) await expect(take(source)).rejects.toMatchObject({ code: abortCode });
      await near.close();
      await expect(sinkOf(near).write(unwritten(sinkOf(near)) as never)).rejects.toBeInstanceOf(Error);
    });

    it('is closed once, however often and in whatever state', async () => {
      const { near, far } = await open();
      await put(sinkOf(near), units(sinkOf(near), 1000, 7));
      if (!isLive) await sinkOf(near).end();
      const other = await far();
      await Promise.all([near.close(), near.close(), other.close()]);
      await near.close();
      await other.close();
    });

    it("rejects an aborted open with the signal's reason", async () => {
      const reason = new Error('changed my mind');
      const opening = made.kind.open(made.good, endpointOptions('sink', AbortSignal.abort(reason)));
      await expect(opening).rejects.toBe(reason);
    });

    it('rejects an open that waits when it is aborted', async (test) => {
      const { waiting, kind } = made;
      if (waiting === undefined) return test.skip('none of these waits');
      const giveUp = new AbortController();
      const reason = new Error('changed my mind');
      const opening = kind.open(waiting, endpointOptions('source', giveUp.signal));
      const outcome = expect(opening).rejects.toBe(reason);
      await turns(5);
      giveUp.abort(reason);
      await outcome;
    });

    it('takes a good URL and refuses rubbish, without doing anything', () => {
      const { kind, good, rubbish } = made;
      kind.check(good, 'sink');
      expect(rubbish.length).toBeGreaterThan(0);
      for (const url of rubbish)
        expect(() => kind.check(url, 'sink'), url).toThrow(
          expect.objectContaining({ code: 'ERR_XFER_USAGE' }) as Error,
        );
    });
  });
}

const unwritten = (sink: PipeSink): unknown =>
  sink.kind === 'bytes' ? Uint8Array.of(1) : [[Uint8Array.of(1)]];
