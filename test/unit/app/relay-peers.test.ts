import { describe, expect, it } from 'vitest';
import { relayPeers } from '../../../src/app/relay-peers.js';

const key = (byte: number) => new Uint8Array(32).fill(byte);
const peers = [
  { name: 'alice', key: key(1), weight: 10 },
  { name: 'bob', key: key(2), maxStreams: 5, rate: 1000 },
];
const tokens = [{ name: 'guest', token: 'a-token-of-the-guest', weight: 2 }];

describe('the peers of a relay', () => {
  it('are found by the keys that they prove', () => {
    const found = relayPeers({ peers });
    expect(found.findKey(key(1))).toEqual({ name: 'alice', weight: 10, isAllowed: false });
    expect(found.findKey(key(2))).toEqual({
      name: 'bob',
      weight: 1,
      isAllowed: false,
      limits: { maxStreams: 5, bytesPerSecond: 1000 },
    });
    expect(found.findKey(key(3))).toBeUndefined();
    expect(found.findKey(key(1).subarray(1))).toBeUndefined();
    expect(found.isPrivate).toBe(false);
  });

  it('are allowed by the list, and then nobody else is but who has a token', () => {
    const found = relayPeers({ peers, tokens, allow: ['bob'] });
    expect(found.isPrivate).toBe(true);
    expect([found.findKey(key(1))?.isAllowed, found.findKey(key(2))?.isAllowed]).toEqual([false, true]);
    expect(found.findToken('a-token-of-the-guest')).toEqual({ name: 'guest', weight: 2, isAllowed: true });
    expect(relayPeers({ tokens, allow: [] }).isPrivate).toBe(true);
  });

  it.each(['', 'a-token-of-the-gues', 'a-token-of-the-guest ', 'A-TOKEN-OF-THE-GUEST'])(
    'are not found by the token %j',
    (token) => {
      expect(relayPeers({ tokens }).findToken(token)).toBeUndefined();
    },
  );
});
