import { expect, it } from 'vitest';
import { loadFabricAddon } from '../../src/native/fabric-addon.js';
import { describeFabric, FabricSide, pair, patternOf, sizes } from './fabric-side.js';

const own = 16;
const headBytes = 24;
const lengths = [
  ...[0, 1, 7, 64, 1000],
  ...[sizes.smallBytes - own - headBytes, sizes.smallBytes - own - headBytes + 1],
  ...[65_536, 1 << 20, sizes.largeBytes - own - headBytes],
];
const code = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

describeFabric('messages', (api, provider) => {
  it('of every size arrive both ways, whole and in their order', async () => {
    const sides = await pair(api, provider);
    const all = Array.from({ length: 4 }, () => lengths).flat();
    await Promise.all(
      sides.map(async (side, index) => {
        for (const [seed, length] of all.entries()) await side.send([patternOf(length, seed + index)]);
      }),
    );
    for (const side of sides) {
      await side.until(() => side.received.length === all.length && side.sent.length === all.length);
      expect([...side.sent].sort((a, b) => a - b)).toEqual(all.map((_, token) => token));
    }
    sides.forEach((side, index) => {
      side.received.forEach((bytes, seed) => {
        const expected = patternOf(all[seed] ?? 0, seed + (1 - index));
        expect(Buffer.compare(bytes, expected), `message ${String(seed)}`).toBe(0);
      });
    });
  });

  it('are gathered from several chunks behind their head', async () => {
    const [near, far] = await pair(api, provider);
    const head = patternOf(headBytes, 9);
    let seen: Buffer | undefined;
    far.onMessage = ({ view }) => (seen = Buffer.from(view));
    const chunks = [patternOf(10), new Uint8Array(), patternOf(70_000, 1), patternOf(3, 2)];
    await near.send(chunks, head);
    await far.until(() => seen !== undefined);
    expect(seen?.equals(Buffer.concat([head, ...chunks]))).toBe(true);
  });

  it('go from a region without a copy, and are copied from anywhere else', async () => {
    const [near, far] = await pair(api, provider);
    const region = new Uint8Array(await near.endpoint.region(4 << 20));
    const { addressOf } = loadFabricAddon();
    region.set(patternOf(1 << 20), 8192);
    const piece = region.subarray(8192, 8192 + (1 << 20));
    await near.send([piece]);
    await far.until(() => far.received.length === 1);
    await near.until(() => near.sent.length === 1);
    expect(near.endpoint.stats()).toMatchObject({
      copiedBytes: 0,
      lastPieceAddress: addressOf(piece),
      lastPieceBytes: piece.length,
    });
    expect(near.endpoint.stats().registeredBytes).toBeGreaterThanOrEqual(region.length);
    await near.send([patternOf(1 << 20, 1)]);
    await far.until(() => far.received.length === 2);
    expect(near.endpoint.stats().copiedBytes).toBe(1 << 20);
    expect(far.received.map((bytes, seed) => Buffer.compare(bytes, patternOf(1 << 20, seed)))).toEqual([
      0, 0,
    ]);
  });

  it('that are kept take the room of others until they are let go of', async () => {
    const [near, far] = await pair(api, provider);
    const kept: { block: number; view: Uint8Array }[] = [];
    far.onMessage = ({ block, view }) => {
      far.endpoint.retain(block);
      kept.push({ block, view });
    };
    for (let i = 0; i < sizes.largeCount; i++) await near.send([patternOf(100_000, i)]);
    await far.until(() => kept.length === sizes.largeCount);
    expect(near.endpoint.largeRoom).toBe(0);
    expect(() => near.sendNow([patternOf(100_000)])).toThrow('room');
    // Small ones have room of their own.
    await near.send([patternOf(10)]);
    await far.until(() => kept.length === sizes.largeCount + 1);
    kept.slice(0, -1).forEach(({ view }, i) => {
      expect(Buffer.compare(view.subarray(headBytes), patternOf(100_000, i))).toBe(0);
    });
    far.onMessage = () => undefined;
    const again = near.send([patternOf(100_000)]);
    for (const { block } of kept) far.endpoint.release(block);
    await again;
    await far.until(() => far.received.length === sizes.largeCount + 2);
    expect(() => far.endpoint.release(kept[0]?.block ?? 0)).toThrow('retained');
    expect(() => far.endpoint.retain(0)).toThrow('being handled');
  });
});

describeFabric('an endpoint', (api, provider) => {
  it('says what it is', async () => {
    const { endpoint } = await FabricSide.open(api, { provider });
    expect(endpoint.features.provider).toContain(provider);
    expect(endpoint.features.maxMessageBytes).toBeGreaterThanOrEqual(sizes.largeBytes);
    expect(endpoint.tag >> 56n).toBe(0n);
    expect(endpoint.address.length).toBeGreaterThan(0);
    expect(endpoint.smallMemory.byteLength).toBeGreaterThanOrEqual(sizes.smallBytes * sizes.smallCount);
    expect(endpoint.largeMemory.byteLength).toBeGreaterThanOrEqual(sizes.largeBytes * sizes.largeCount);
    expect([endpoint.smallRoom, endpoint.largeRoom]).toEqual([0, 0]);
  });

  it('refuses what it cannot do', async () => {
    const [near, far] = await pair(api, provider);
    expect(() => near.sendNow([new Uint8Array(sizes.largeBytes)])).toThrow('too large');
    expect(() => near.endpoint.send(1, new Uint8Array(65), [])).toThrow('64 bytes');
    expect(() => near.endpoint.send(1, new Uint8Array(4), ['no' as unknown as Uint8Array])).toThrow(
      TypeError,
    );
    await expect(near.endpoint.connect(far.offer)).rejects.toThrow('connected already');
    await expect(near.endpoint.region(0)).rejects.toThrow(RangeError);
    await expect(api.open({ ...sizes, provider, smallCount: 1, onEvents: () => undefined })).rejects.toThrow(
      RangeError,
    );
    const none = api.open({ ...sizes, provider: 'no-such', onEvents: () => undefined });
    await expect(
      none.catch((error: unknown) => Promise.reject(new Error(String(code(error))))),
    ).rejects.toThrow('ENODATA');
  });

  it('gives back everything when it closes with work under way, and its memory stays', async () => {
    const [near, far] = await pair(api, provider);
    const region = new Uint8Array(await near.endpoint.region(1 << 20));
    region.fill(5);
    const large = new Uint8Array(near.endpoint.largeMemory);
    const tokens: number[] = [];
    while (near.endpoint.largeRoom > 0) tokens.push(near.sendNow([region]));
    while (near.endpoint.smallRoom > 0) tokens.push(near.sendNow([patternOf(100)]));
    await near.endpoint.close();
    expect([...near.sent].sort((a, b) => a - b)).toEqual(tokens);
    expect(region.every((byte) => byte === 5)).toBe(true);
    // What a reader has kept stays; the endpoint itself has nothing any more.
    expect(large.fill(1).every((byte) => byte === 1)).toBe(true);
    expect([near.endpoint.smallMemory.byteLength, near.endpoint.largeMemory.byteLength]).toEqual([0, 0]);
    expect(near.endpoint.stats().messagesSent).toBeGreaterThan(0);
    expect(() => near.sendNow([])).toThrow('EBADF');
    await expect(near.endpoint.region(4096)).rejects.toThrow('EBADF');
    await near.endpoint.close();
    await far.endpoint.close();
  });

  it.each(['send', 'completion', 'receive'] as const)(
    'breaks, and says so in words, where libfabric reports an error: %s',
    async (fault) => {
      const [near, far] = await pair(api, provider, { faults: { [fault]: { at: 3, error: 'EIO' } } });
      const from = fault === 'receive' ? far : near;
      for (let i = 0; i < 3; i++) await from.send([patternOf(100_000, i)]);
      await near.until(() => near.failures === 1);
      expect(near.endpoint.failure).toMatchObject({ code: 'EIO' });
      expect(near.endpoint.failure?.message).toContain(provider);
      // What is sent now is given back at once.
      if (near.endpoint.smallRoom > 0) {
        const token = near.sendNow([]);
        await near.until(() => near.sent.includes(token));
      }
      await near.until(() => fault === 'receive' || near.sent.length >= 3);
    },
  );

  it('does not open where memory cannot be registered, and says what to look at', async () => {
    const faults = { register: { at: 1, error: 'ENOMEM' } };
    const opening = api.open({ ...sizes, provider, faults, onEvents: () => undefined });
    await expect(opening).rejects.toMatchObject({ code: 'ENOMEM' });
    await expect(opening).rejects.toThrow(/locked memory|memlock/);
  });
});
