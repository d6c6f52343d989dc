import { describe, expect, it } from 'vitest';
import type { ComplianceContext } from '../compliance.js';
import { muxDefaults } from '../config/index.js';
import { openErrorCode, type Stream } from '../transport/contract.js';
import { openPair, pattern, readAll, Releases, turns, until } from './pair.js';

const KiB = 1024;

/** Many streams beside each other, and who waits for whom. */
export function flowTests(context: () => ComplianceContext): void {
  describe('flow', () => {
    it('carries many streams at once', async () => {
      const { pair } = context();
      const answers = Array.from({ length: 200 }, (_, i) => {
        const stream = pair.near.openStream({ header: Uint8Array.of(i) });
        stream.send(pattern(20_000 + i, i));
        stream.closeWrite();
        return readAll(stream);
      });
      for (let i = 0; i < answers.length; i++) echo((await pair.incoming()).stream);
      for (const [i, answer] of answers.entries())
        expect((await answer).equals(pattern(20_000 + i, i))).toBe(true);
    });

    it('has as many streams open as it declares, and refuses the next one with 9', async () => {
      const { pair } = context();
      const { maxStreams } = pair.near.capabilities;
      const streams: Stream[] = [];
      for (let i = 0; i < maxStreams; i++) streams.push(pair.near.openStream());
      const taken: Stream[] = [];
      for (let i = 0; i < maxStreams; i++) {
        const { stream } = await pair.incoming();
        stream.accept();
        taken.push(stream);
      }
      await Promise.all(streams.map((stream) => stream.opened));
      const tooMany = pair.near.openStream();
      await expect(tooMany.opened).rejects.toMatchObject({ openCode: openErrorCode.resourceLimit });
      const last = streams.at(-1);
      const atFar = readAll(taken.at(-1) as Stream);
      last?.send(pattern(100, 1));
      last?.closeWrite();
      expect((await atFar).equals(pattern(100, 1))).toBe(true);
      streams[0]?.reset(4);
      await until(() => pair.far.stats().streams < maxStreams);
      const again = pair.near.openStream();
      (await pair.incoming()).stream.accept();
      await again.opened;
    });

    it('gives all content to a reader that offers memory for it, there or elsewhere', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      const content = pattern(8 * 1024 * KiB + 333, 5);
      const got = Buffer.alloc(content.length);
      let have = 0;
      const ended = new Promise<void>((resolve) => far.onEnd(resolve));
      far.onData(
        (bytes) => {
          // Elsewhere, or right where it was offered: then this copies it onto itself.
          have += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).copy(got, have);
          if (have % 3 !== 0) return;
          far.pause();
          setImmediate(() => far.resume());
        },
        () => (have < content.length ? got.subarray(have, have + 700 * KiB) : undefined),
      );
      near.send(content.subarray(0, 100));
      near.send(content.subarray(100));
      near.closeWrite();
      await ended;
      expect(got.equals(content)).toBe(true);
    });

    it('stops the writer of a stream that is not read, within the window, and no other stream', async () => {
      const { pair } = context();
      const stuck = await openPair(pair);
      const piece = 16 * KiB;
      const releases = new Releases();
      const content = pattern(64 * 1024 * KiB, 8);
      let full = false;
      for (let at = 0; at < content.length; at += piece)
        full = !stuck.near.send(content.subarray(at, at + piece), releases.next());
      expect(full).toBe(true);
      let drained = false;
      void stuck.near.drained().then(() => (drained = true));
      for (let i = 0; i < 20; i++) {
        const other = await openPair(pair);
        echo(other.far);
        const answer = readAll(other.near);
        other.near.send(pattern(200 * KiB, i));
        other.near.closeWrite();
        expect((await answer).equals(pattern(200 * KiB, i))).toBe(true);
      }
      const released = releases.counts.filter((count) => count > 0).length;
      expect(released * piece).toBeLessThanOrEqual(muxDefaults.maxWindowBytes);
      expect(drained).toBe(false);
      const all = readAll(stuck.far);
      stuck.near.closeWrite();
      expect((await all).equals(content)).toBe(true);
      await until(() => drained && releases.all);
    });

    it('gives nothing to a paused reader, and all of it in order after resume', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      const pieces: Buffer[] = [];
      let paused = 0;
      far.onData((bytes) => {
        pieces.push(Buffer.from(bytes));
        if (paused++ % 3 !== 0) return;
        far.pause();
        const seen = pieces.length;
        void turns(3).then(() => {
          expect(pieces.length).toBe(seen);
          far.resume();
        });
      });
      const ended = new Promise<void>((resolve) => far.onEnd(resolve));
      const content = pattern(3_000_000, 2);
      near.send(content);
      near.closeWrite();
      await ended;
      expect(Buffer.concat(pieces).equals(content)).toBe(true);
    });

    it('lets the higher priority go first', async () => {
      const { pair } = context();
      const low = await openPair(pair, -5);
      const high = await openPair(pair, 5);
      const ends: string[] = [];
      const both = [
        readAll(low.far).then(() => ends.push('low')),
        readAll(high.far).then(() => ends.push('high')),
      ];
      low.near.send(pattern(200 * KiB, 1));
      low.near.closeWrite();
      high.near.send(pattern(200 * KiB, 2));
      high.near.closeWrite();
      await Promise.all(both);
      expect(ends).toEqual(['high', 'low']);
    });

    it('takes turns between streams of one priority', async () => {
      const { pair } = context();
      const first = await openPair(pair);
      const second = await openPair(pair);
      let seenOfSecond = 0;
      let atEndOfFirst = -1;
      second.far.onData((bytes) => (seenOfSecond += bytes.length));
      first.far.onData(() => undefined);
      first.far.onEnd(() => (atEndOfFirst = seenOfSecond));
      first.near.send(pattern(8_000_000, 1));
      second.near.send(pattern(8_000_000, 2));
      first.near.closeWrite();
      await until(() => atEndOfFirst >= 0);
      expect(atEndOfFirst).toBeGreaterThan(0);
    });
  });
}

function echo(stream: Stream): void {
  stream.accept();
  stream.onData((bytes) => stream.send(Buffer.from(bytes)));
  stream.onEnd(() => stream.closeWrite());
}
