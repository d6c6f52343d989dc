import { describe, expect, it } from 'vitest';
import { CookieJar } from '../../../../plugins/udp/src/hello/cookie-jar.js';
import { dialerAt, knownCrypto } from './hello-kit.js';

const lifetimeMs = 10_000;
const owner = {
  version: 1,
  dialerId: new Uint8Array(8).fill(7),
  publicKey: new Uint8Array(32).fill(8),
};
const jar = (now = 0) => new CookieJar(knownCrypto('cookies'), lifetimeMs, now);

describe('a cookie', () => {
  it('is good at its address, for who got it, as long as its lifetime', () => {
    const cookies = jar();
    const cookie = cookies.make(123.4, dialerAt, owner);
    expect(cookies.verify(123.4, dialerAt, owner, cookie)).toBe(true);
    expect(cookies.verify(10_123, dialerAt, owner, cookie)).toBe(true);
    expect(cookies.verify(10_124, dialerAt, owner, cookie)).toBe(false);
  });

  it.each([
    ['address', { ...dialerAt, host: '192.0.2.2' }, owner],
    ['port', { ...dialerAt, port: 50_001 }, owner],
    ['id', dialerAt, { ...owner, dialerId: new Uint8Array(8) }],
    ['key', dialerAt, { ...owner, publicKey: new Uint8Array(32) }],
    ['version', dialerAt, { ...owner, version: 257 }],
  ])('is no good with another %s', (_, from, other) => {
    const cookies = jar();
    const cookie = cookies.make(0, dialerAt, owner);
    expect(cookies.verify(0, from, other, cookie)).toBe(false);
  });

  it('is no good with any bit of it changed, shorter, longer, or of another listener', () => {
    const cookies = jar();
    const cookie = cookies.make(5_000, dialerAt, owner);
    for (let bit = 0; bit < cookie.length * 8; bit++) {
      const changed = cookie.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(cookies.verify(5_000, dialerAt, owner, changed)).toBe(false);
    }
    expect(cookies.verify(5_000, dialerAt, owner, cookie.subarray(1))).toBe(false);
    expect(cookies.verify(5_000, dialerAt, owner, Uint8Array.of(...cookie, 0))).toBe(false);
    const other = new CookieJar(knownCrypto('others'), lifetimeMs, 0);
    expect(other.verify(5_000, dialerAt, owner, cookie)).toBe(false);
  });

  it('outlives the secret that it was made with, whenever that was', () => {
    for (let madeAt = 0; madeAt < 40_000; madeAt += 977) {
      const cookies = jar();
      const cookie = cookies.make(madeAt, dialerAt, owner);
      for (let now = madeAt; now <= madeAt + lifetimeMs; now += 1_999)
        expect(cookies.verify(now, dialerAt, owner, cookie)).toBe(true);
    }
  });

  it('is made with a new secret each lifetime', () => {
    const secrets: Uint8Array[] = [];
    const crypto = knownCrypto('cookies');
    const randomBytes = (bytes: number) => {
      secrets.push(crypto.randomBytes(bytes));
      return secrets.at(-1)!;
    };
    const cookies = new CookieJar({ ...crypto, randomBytes }, lifetimeMs, 0);
    const made = [0, 9_999, 10_000, 19_999, 20_000, 70_000].map((now) => {
      cookies.make(now, dialerAt, owner);
      return secrets.length;
    });
    expect(made).toEqual([1, 1, 2, 2, 3, 4]);
    expect(new Set(secrets.map(String)).size).toBe(4);
    expect(secrets[0]).toHaveLength(32);
  });

  it('of a time to come is no good, and a clock that jumps breaks nothing', () => {
    const cookies = jar(1e6);
    const cookie = cookies.make(1e6, dialerAt, owner);
    expect(cookies.verify(1e6 - 1, dialerAt, owner, cookie)).toBe(false);
    for (const now of [1e12, 5, 1e6, 0]) {
      const next = cookies.make(now, dialerAt, owner);
      expect(cookies.verify(now, dialerAt, owner, next)).toBe(true);
    }
  });
});
