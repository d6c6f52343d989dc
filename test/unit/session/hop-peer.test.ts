import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { RelayPeers } from '../../../src/relay/relay-peers.js';
import { hopVerdict, type HopVerdict } from '../../../src/session/hop-peer.js';
import type { HopProof } from '../../../src/session/hop-proof-core.js';
import { fingerprint } from '../../../src/session/identity.js';
import { makeIdentity } from './handshake-kit.js';

const { publicKey: alice } = makeIdentity();
const { publicKey: bob } = makeIdentity();
const digest = createHash('sha256').update('right').digest('hex');
const hex = (key: Uint8Array) => Buffer.from(key).toString('hex');

/** Alice is allowed, bob listed for his weight. */
const listed = (isPrivate: boolean): RelayPeers => ({
  findKey: (key) =>
    hex(key) === hex(alice)
      ? { name: 'alice', weight: 4, isAllowed: true }
      : hex(key) === hex(bob)
        ? { name: 'bob', weight: 2, isAllowed: false }
        : undefined,
  findToken: (token) => (token === 'right' ? { name: 'guests', weight: 3 } : undefined),
  isPrivate,
});

function verdict(
  proof: Partial<HopProof> | undefined,
  isPrivate = false,
  names: readonly string[] = [],
): HopVerdict {
  const whole = proof && { key: undefined, host: 'relay.example', token: '', ...proof };
  return hopVerdict(whole, { peers: listed(isPrivate), names, address: '192.0.2.1' });
}

it('trusts who is allowed, and who has a token', () => {
  expect(verdict({ key: alice })).toEqual({
    peer: { key: hex(alice), name: 'alice', trust: 'trusted', weight: 4 },
  });
  expect(verdict({ token: 'right' })).toEqual({
    peer: { key: undefined, name: 'guests', trust: 'trusted', weight: 3, token: digest },
  });
  expect(verdict({ key: bob, token: 'right' }, true)).toEqual({
    peer: { key: hex(bob), name: 'bob', trust: 'trusted', weight: 3, token: digest },
  });
});

it('lets who weighs more than the token have its own weight', () => {
  expect(verdict({ key: alice, token: 'right' })).toEqual({
    peer: { key: hex(alice), name: 'alice', trust: 'trusted', weight: 4 },
  });
});

it('takes everybody else for a stranger, by the name that there is', () => {
  const { publicKey: carol } = makeIdentity();
  expect(verdict({ key: bob })).toEqual({
    peer: { key: hex(bob), name: 'bob', trust: 'stranger', weight: 2 },
  });
  expect(verdict({ key: carol })).toEqual({
    peer: { key: hex(carol), name: fingerprint(carol), trust: 'stranger', weight: 0 },
  });
  const unknown = { peer: { key: undefined, name: '192.0.2.1', trust: 'stranger', weight: 0 } };
  expect(verdict(undefined)).toEqual(unknown);
  expect(verdict({})).toEqual(unknown);
});

it('refuses strangers where the relay is private', () => {
  for (const proof of [undefined, {}, { key: bob }])
    expect(verdict(proof, true)).toMatchObject({
      refused: 'not-allowed',
      error: { code: 'ERR_XFER_RELAY_REFUSED' },
    });
  expect(verdict({ key: alice }, true)).toHaveProperty('peer');
});

it('refuses a wrong token, whoever comes with it', () => {
  for (const isPrivate of [true, false])
    for (const key of [undefined, alice])
      expect(verdict({ key, token: 'Right' }, isPrivate)).toMatchObject({
        refused: 'token-wrong',
        error: { code: 'ERR_XFER_RELAY_REFUSED' },
      });
});

it('refuses a proof that was made for another host, where it knows its names', () => {
  const names = ['relay.example', '2001:db8::1'];
  for (const host of ['relay.example', 'RELAY.example.', '2001:DB8::1'])
    expect(verdict({ key: alice, host }, true, names)).toHaveProperty('peer');
  for (const host of ['', 'other.example', 'relay.example.evil.example'])
    expect(verdict({ key: alice, host }, true, names)).toMatchObject({
      refused: 'proof-host',
      error: { code: 'ERR_XFER_HANDSHAKE' },
    });
  expect(verdict(undefined, false, names)).toHaveProperty('peer');
});
