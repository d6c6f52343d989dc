import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ComplianceContext } from '../compliance.js';
import { maxDetailBytes, openErrorCode, resetCode, type OpenRefused } from '../transport/contract.js';
import { openPair, pattern, readAll, Releases, turns, until } from './pair.js';

const MiB = 1024 * 1024;

/** Opening, sending, ending and breaking off of single streams. */
export function streamTests(context: () => ComplianceContext): void {
  describe('streams', () => {
    it('carries the opening header and data sent right behind the open', async () => {
      const { pair } = context();
      const near = pair.near.openStream({ header: pattern(1000, 3) });
      near.send(pattern(5000, 4));
      near.closeWrite();
      const { stream: far, header } = await pair.incoming();
      expect(Buffer.from(header).equals(pattern(1000, 3))).toBe(true);
      far.accept();
      expect((await readAll(far)).equals(pattern(5000, 4))).toBe(true);
      await near.opened;
    });

    it('keeps data that comes before a handler, and gives it with the end behind it', async () => {
      const { pair } = context();
      const near = pair.near.openStream();
      near.send(pattern(60_000, 5));
      near.closeWrite();
      const { stream: far } = await pair.incoming();
      far.accept();
      await near.opened;
      await turns(20);
      expect((await readAll(far)).equals(pattern(60_000, 5))).toBe(true);
    });

    it.each([
      ['refused', openErrorCode.refused],
      ['route not found', openErrorCode.routeNotFound],
      ['access denied', openErrorCode.accessDenied],
      ['timeout', openErrorCode.timeout],
      ['DNS failure', openErrorCode.dnsFailure],
      ['resource limit', openErrorCode.resourceLimit],
    ])('tells the opener why: %s', async (_name, code) => {
      const { pair } = context();
      const near = pair.near.openStream();
      const releases = new Releases();
      near.send(pattern(200_000), releases.next());
      const { stream: far } = await pair.incoming();
      far.refuse(code);
      await expect(near.opened).rejects.toMatchObject({ name: 'OpenRefused', openCode: code });
      await until(() => releases.all);
      await near.drained();
      expect(near.send(pattern(10), releases.next())).toBe(true);
      expect(releases.counts).toEqual([1, 1]);
    });

    it('brings the answer of who accepts, and the detail of who refuses or resets', async () => {
      const { pair } = context();
      const taken = pair.near.openStream();
      const { stream: far } = await pair.incoming();
      far.accept(Buffer.from('as you like'));
      expect(Buffer.from(await taken.opened).toString()).toBe('as you like');
      const reset = new Promise<string>((resolve) =>
        taken.onReset((code, detail) => resolve(`${code} ${Buffer.from(detail).toString()}`)),
      );
      far.reset(resetCode.timeout, Buffer.from('too late'));
      expect(await reset).toBe('3 too late');
      const refused = pair.near.openStream();
      (await pair.incoming()).stream.refuse(openErrorCode.refused, pattern(maxDetailBytes, 9));
      const error = await refused.opened.catch((thrown: unknown) => thrown as OpenRefused);
      expect(Buffer.from((error as OpenRefused).detail).equals(pattern(maxDetailBytes, 9))).toBe(true);
    });

    it('refuses streams where nobody takes them', async () => {
      const { pair } = context();
      const stream = pair.far.openStream();
      await expect(stream.opened).rejects.toMatchObject({ openCode: openErrorCode.refused });
    });

    it('refuses an opening header that is too long', () => {
      const { pair } = context();
      expect(() => pair.near.openStream({ header: new Uint8Array(1 << 20) })).toThrow(
        expect.objectContaining({ code: 'ERR_XFER_USAGE' }) as Error,
      );
    });

    it('lets the listener open streams too', async () => {
      const { pair } = context();
      pair.near.onStream((stream) => {
        stream.accept();
        stream.onData((bytes) => stream.send(Buffer.from(bytes)));
        stream.onEnd(() => stream.closeWrite());
      });
      const stream = pair.far.openStream();
      const answer = readAll(stream);
      stream.send(pattern(300_000, 9));
      stream.closeWrite();
      expect((await answer).equals(pattern(300_000, 9))).toBe(true);
    });

    it('closes each direction for itself', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      const atFar = readAll(far);
      const atNear = readAll(near);
      near.send(pattern(1000, 1));
      near.closeWrite();
      await atFar;
      far.send(pattern(100_000, 2));
      await turns(5);
      far.send(pattern(100_000, 3));
      far.closeWrite();
      expect((await atNear).equals(Buffer.concat([pattern(100_000, 2), pattern(100_000, 3)]))).toBe(true);
      await until(() => pair.near.stats().streams === 0 && pair.far.stats().streams === 0);
    });

    it('ends both ways without any data', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      near.closeWrite();
      far.closeWrite();
      expect((await readAll(far)).length).toBe(0);
      expect((await readAll(near)).length).toBe(0);
    });

    it.each([1, 13, 511, 16_384, 65_537, MiB, 64 * MiB])(
      'carries a write of %i bytes whole',
      async (bytes) => {
        const { pair } = context();
        const { near, far } = await openPair(pair);
        const hash = createHash('sha256');
        const digest = new Promise<string>((resolve) => {
          far.onData((piece) => hash.update(piece));
          far.onEnd(() => resolve(hash.digest('hex')));
        });
        const content = pattern(bytes, bytes);
        const releases = new Releases();
        near.send(content, releases.next());
        near.closeWrite();
        expect(await digest).toBe(createHash('sha256').update(content).digest('hex'));
        await until(() => releases.all);
        expect(releases.counts).toEqual([1]);
      },
    );

    it('gathers a list of pieces in order and releases it once', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      const all = readAll(far);
      const pieces = [0, 1, 700, 0, 40_000, 3].map((bytes, seed) => pattern(bytes, seed));
      const releases = new Releases();
      for (let i = 0; i < 50; i++) near.send(pieces, releases.next());
      near.send([], releases.next());
      near.closeWrite();
      const once = Buffer.concat(pieces);
      expect((await all).equals(Buffer.concat(Array<Buffer>(50).fill(once)))).toBe(true);
      await until(() => releases.all);
      expect(releases.counts.every((count) => count === 1)).toBe(true);
    });

    it('lets RESET overtake data, and discards what was not read', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      const releases = new Releases();
      for (let i = 0; i < 16; i++) near.send(pattern(MiB, i), releases.next());
      const reset = new Promise<number>((resolve) => far.onReset(resolve));
      await turns(5);
      near.reset(resetCode.cancelled);
      expect(await reset).toBe(resetCode.cancelled);
      await until(() => releases.all);
      expect(releases.counts.every((count) => count === 1)).toBe(true);
      let late = 0;
      far.onData((bytes) => (late += bytes.length));
      await turns(5);
      expect(late).toBe(0);
      await until(() => pair.near.stats().streams === 0 && pair.far.stats().streams === 0);
    });

    it('tells a reset once, to the side that did not ask for it', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      const seen: string[] = [];
      near.onReset((code) => seen.push(`near ${code}`));
      far.onReset((code) => seen.push(`far ${code}`));
      near.reset(resetCode.timeout);
      near.reset(resetCode.timeout);
      await until(() => seen.length > 0);
      await turns(10);
      expect(seen).toEqual([`far ${resetCode.timeout}`]);
    });

    it('ends one direction by STOP and leaves the other', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      const releases = new Releases();
      for (let i = 0; i < 8; i++) near.send(pattern(MiB, i), releases.next());
      const stopped = new Promise<number>((resolve) => near.onStop(resolve));
      const atNear = readAll(near);
      far.stopReading(resetCode.cancelled);
      expect(await stopped).toBe(resetCode.cancelled);
      await until(() => releases.all);
      await near.drained();
      near.send(pattern(10), releases.next());
      expect(releases.counts.every((count) => count === 1)).toBe(true);
      far.send(pattern(700_000, 6));
      far.closeWrite();
      expect((await atNear).equals(pattern(700_000, 6))).toBe(true);
      await until(() => pair.near.stats().streams === 0 && pair.far.stats().streams === 0);
    });
  });
}
