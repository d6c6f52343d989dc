import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { HandshakeLimit } from '../../../src/session/handshake-limit.js';

describe('the limit of handshakes', () => {
  it('counts in all and by source, and gives back what is over', () => {
    const limit = new HandshakeLimit(3, 2);
    const [a] = [limit.enter('a'), limit.enter('a')];
    expect(limit.enter('a')).toBeUndefined();
    const b = limit.enter('b');
    expect(limit.enter('c')).toBeUndefined();
    a?.();
    expect(limit.enter('a')).toBeDefined();
    b?.();
    expect(limit.enter('c')).toBeDefined();
    expect(limit.enter('b')).toBeUndefined();
  });

  it('counts the /64 that an IPv6 host may choose from as one source', () => {
    const limit = new HandshakeLimit(10, 1);
    const first = limit.enter('2001:db8::1');
    expect([limit.enter('2001:db8::2'), limit.enter('2001:db8:0:1::1') === undefined]).toEqual([
      undefined,
      false,
    ]);
    first?.();
    expect(limit.enter('2001:db8::2')).toBeDefined();
  });

  it('is that of the defaults', () => {
    const limit = new HandshakeLimit();
    const here = Array.from({ length: sessionDefaults.maxHandshakesPerAddress + 1 }, () => limit.enter('a'));
    expect(here.filter((entered) => entered).length).toBe(sessionDefaults.maxHandshakesPerAddress);
    const all = Array.from({ length: 200 }, (_, i) => limit.enter(`other ${i}`));
    expect(all.filter((entered) => entered).length).toBe(
      sessionDefaults.maxHandshakes - sessionDefaults.maxHandshakesPerAddress,
    );
  });
});
