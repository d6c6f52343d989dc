import { describe, expect, it } from 'vitest';
import type { ComplianceContext } from '../compliance.js';
import { maxMessageBytes, openErrorCode } from '../transport/contract.js';
import { openPair, pattern, readAll, Releases, turns, until } from './pair.js';

const MiB = 1024 * 1024;

/** Dialling, draining, closing, aborting and losing a connection. */
export function connectionTests(context: () => ComplianceContext): void {
  describe('connections', () => {
    it('says where it is', () => {
      const { pair, setup } = context();
      expect(pair.near.remote.scheme).toBe(setup.listenAt.scheme);
      expect(pair.far.remote.scheme).toBe(setup.listenAt.scheme);
      expect(pair.far.local.port).toBe(pair.near.remote.port);
    });

    it('tells that the other side has answered, where it tells that at all', async () => {
      const { near } = context().pair;
      expect(await (near.answered ?? true)).toBe(true);
    });

    it('rejects a dial to where nobody listens', async () => {
      const { descriptor, nobodyAt, nobodyCode = 'ERR_XFER_CONNECTION_REFUSED' } = context().setup;
      const transport = await descriptor.load();
      const dial = transport.dial(nobodyAt, { signal: new AbortController().signal, timeoutMs: 5000 });
      await expect(dial).rejects.toMatchObject({ code: nobodyCode });
    });

    it("rejects an aborted dial with the signal's reason", async () => {
      const { setup } = context();
      const transport = await setup.descriptor.load();
      const reason = new Error('changed my mind');
      await expect(transport.dial(setup.nobodyAt, { signal: AbortSignal.abort(reason) })).rejects.toBe(
        reason,
      );
    });

    it('carries messages beside the streams, in order and both ways', async () => {
      const { pair } = context();
      const got: Buffer[] = [];
      pair.far.onMessage((bytes) => {
        got.push(Buffer.from(bytes));
        if (got.length === 2) pair.far.sendMessage(Buffer.from('both'));
      });
      const answer = new Promise<string>((resolve) =>
        pair.near.onMessage((bytes) => resolve(Buffer.from(bytes).toString())),
      );
      pair.near.sendMessage(Buffer.from('one'));
      pair.near.sendMessage(pattern(maxMessageBytes, 8));
      expect(await answer).toBe('both');
      expect(got[0]?.toString()).toBe('one');
      expect(got[1]?.equals(pattern(maxMessageBytes, 8))).toBe(true);
      expect(() => pair.near.sendMessage(new Uint8Array(0))).toThrow();
      expect(() => pair.near.sendMessage(new Uint8Array(maxMessageBytes + 1))).toThrow();
    });

    it('counts bytes and streams', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      expect([pair.near.stats().streams, pair.far.stats().streams]).toEqual([1, 1]);
      near.send(pattern(500_000));
      near.closeWrite();
      await readAll(far);
      expect(pair.near.stats().bytesSent).toBeGreaterThanOrEqual(500_000);
      expect(pair.far.stats().bytesReceived).toBeGreaterThanOrEqual(500_000);
      await until(() => pair.near.stats().minRttMs > 0);
    });

    it('drains: what is open goes on, nothing new begins on either side', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      pair.near.onStream((stream) => stream.accept());
      pair.near.drain();
      const refused = { openCode: openErrorCode.refused };
      await expect(pair.near.openStream().opened).rejects.toMatchObject(refused);
      await expect(pair.far.openStream().opened).rejects.toMatchObject(refused);
      const all = readAll(far);
      near.send(pattern(400_000, 4));
      near.closeWrite();
      expect((await all).equals(pattern(400_000, 4))).toBe(true);
    });

    it('closes behind the last stream, cleanly for both', async () => {
      const { pair } = context();
      const { near, far } = await openPair(pair);
      const atFar = readAll(far);
      const atNear = readAll(near);
      near.send(pattern(2 * MiB, 7));
      near.closeWrite();
      const closing = pair.near.close();
      expect((await atFar).equals(pattern(2 * MiB, 7))).toBe(true);
      far.closeWrite();
      await atNear;
      await closing;
      expect(await pair.near.closed).toEqual({ by: 'local', clean: true });
      expect(await pair.far.closed).toEqual({ by: 'remote', clean: true });
    });

    it('closes when both sides ask for it at once', async () => {
      const { pair } = context();
      await Promise.all([pair.near.close(), pair.far.close()]);
      expect((await pair.near.closed).clean).toBe(true);
      expect((await pair.far.closed).clean).toBe(true);
    });

    it('aborts with writes in flight: each stream sees a reset, each send is released once', async () => {
      const { pair } = context();
      const releases = new Releases();
      const resets: string[] = [];
      for (let i = 0; i < 4; i++) {
        const { near, far } = await openPair(pair);
        near.onReset(() => resets.push('near'));
        far.onReset(() => resets.push('far'));
        for (let n = 0; n < 16; n++) near.send(pattern(MiB, n), releases.next());
      }
      await turns(2);
      const error = new Error('enough');
      pair.near.abort(error);
      expect(await pair.near.closed).toEqual({ by: 'local', clean: false, error });
      const reason = await pair.far.closed;
      expect([reason.by, reason.clean]).toEqual(['remote', false]);
      expect(reason.error).toBeInstanceOf(Error);
      await until(() => releases.all && resets.length === 8);
      await turns(10);
      expect(releases.counts.every((count) => count === 1)).toBe(true);
      expect(resets.length).toBe(8);
      const late = new Releases();
      const dead = pair.near.openStream();
      dead.send(pattern(10), late.next());
      await expect(dead.opened).rejects.toBeInstanceOf(Error);
      expect(late.counts).toEqual([1]);
    });

    it('notices that the other side vanished', async () => {
      const { pair, setup } = context();
      const { near } = await openPair(pair);
      const releases = new Releases();
      for (let n = 0; n < 8; n++) near.send(pattern(MiB, n), releases.next());
      const reset = new Promise<number>((resolve) => near.onReset(resolve));
      if (setup.vanish) setup.vanish();
      else pair.far.abort(new Error('gone'));
      const reason = await pair.near.closed;
      expect(reason.clean).toBe(false);
      expect(reason.error).toBeInstanceOf(Error);
      await reset;
      await near.drained();
      await until(() => releases.all);
      expect(releases.counts.every((count) => count === 1)).toBe(true);
    });
  });
}
