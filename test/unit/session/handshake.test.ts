import { describe, expect, it } from 'vitest';
import { cipher } from '../../../src/native/api.js';
import { acceptOptions, dialOptions, makeGate, makeIdentity, meet, secret } from './handshake-kit.js';

describe('a handshake with a code', () => {
  it('gives both sides one secret, one transcript and the key of the other', async () => {
    const { gate, spent } = makeGate();
    const dial = dialOptions();
    const accept = acceptOptions({ gate });
    const { dialer, listener } = await meet(dial, accept);
    expect(dialer.code ?? listener.code).toBeUndefined();
    expect(dialer.keys?.secret).toEqual(listener.keys?.secret);
    expect(dialer.keys?.secret).toHaveLength(32);
    expect(dialer.keys?.transcript).toEqual(listener.keys?.transcript);
    expect(dialer.keys?.peerKey).toEqual(accept.identity.publicKey);
    expect(listener.keys?.peerKey).toEqual(dial.identity.publicKey);
    expect([dialer.keys?.paired, listener.keys?.paired]).toEqual([true, true]);
    expect([dialer.keys?.role, listener.keys?.role]).toEqual(['dialer', 'listener']);
    expect(spent).toEqual(['used']);
  });

  it('never gives the same secret twice', async () => {
    const identities = { identity: makeIdentity() };
    const { gate } = makeGate('chosen');
    const first = await meet(dialOptions(identities), acceptOptions({ gate }));
    const second = await meet(dialOptions(identities), acceptOptions({ gate }));
    expect(first.dialer.keys?.secret).not.toEqual(second.dialer.keys?.secret);
  });

  it('ends with a wrong code on both sides, and the code is spent', async () => {
    const { gate, spent } = makeGate('chosen');
    const { dialer, listener } = await meet(
      dialOptions({ mode: { code: `${secret}s` } }),
      acceptOptions({ gate }),
    );
    expect([dialer.code, listener.code]).toEqual(['ERR_XFER_WRONG_CODE', 'ERR_XFER_WRONG_CODE']);
    expect(spent).toEqual(['wrong']);
    const again = await meet(dialOptions(), acceptOptions({ gate }));
    expect(again.dialer.code).toBe('ERR_XFER_CODE_SPENT');
  });

  it('takes the cipher that both prefer, else the one that needs no hardware', async () => {
    const aes = await meet(dialOptions(), acceptOptions({ gate: makeGate().gate }));
    expect(aes.dialer.keys?.cipher).toBe(cipher.aes256gcm);
    const ciphers = [cipher.chacha20poly1305, cipher.aes256gcm];
    const chacha = await meet(dialOptions(), acceptOptions({ gate: makeGate().gate, ciphers }));
    expect([chacha.dialer.keys?.cipher, chacha.listener.keys?.cipher]).toEqual([2, 2]);
  });
});

describe('a handshake with a known peer', () => {
  it('needs the pinned key on one side and a known key on the other', async () => {
    const dial = { identity: makeIdentity() };
    const accept = acceptOptions({ isKnown: (key) => Buffer.from(key).equals(dial.identity.publicKey) });
    const { dialer, listener } = await meet(
      dialOptions({ ...dial, mode: { expected: [accept.identity.publicKey] } }),
      accept,
    );
    expect(dialer.code ?? listener.code).toBeUndefined();
    expect(dialer.keys?.secret).toEqual(listener.keys?.secret);
    expect([dialer.keys?.paired, listener.keys?.paired]).toEqual([false, false]);
  });
});
