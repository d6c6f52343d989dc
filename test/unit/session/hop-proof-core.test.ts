import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxMessageBytes } from '../../../src/transport/contract.js';
import { decodeHopClaim, encodeHopClaim, type HopClaim } from '../../../src/session/hop-claim.js';
import { hopProofKind } from '../../../src/session/hop-proof-core.js';
import { identityOf, makeIdentity } from './handshake-kit.js';
import { claim, deadline, dialer, endOf, prover, relay, talk, timeoutMs, verifier } from './hop-kit.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const refused = expect.objectContaining({ code: 'ERR_XFER_HANDSHAKE' }) as Error;

/** Points whose Diffie-Hellman result is all zeros. */
const smallOrder = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
];

describe('a hop proof on the wire', () => {
  const golden = JSON.parse(
    readFileSync(new URL('../../../fixtures/wire/hop-proof-v1.json', import.meta.url), 'utf8'),
  ) as {
    readonly dialerSecretKey: string;
    readonly relaySecretKey: string;
    readonly runs: readonly { name: string; claim: HopClaim; payload: string; messages: string[] }[];
  };
  const from = identityOf(bytes(golden.dialerSecretKey));
  const to = identityOf(bytes(golden.relaySecretKey));

  it.each(golden.runs)('is as it was in version 1: $name', ({ claim: said, payload, messages }) => {
    const [near, far] = [prover({ identity: from, claim: said }), verifier({ identity: to })];
    expect(hex(encodeHopClaim(said))).toBe(payload);
    expect(talk(near, far).map(hex)).toEqual(messages);
    expect(near.outcome).toEqual({ kind: 'done', result: to.publicKey });
    const key = said.isAnonymous ? undefined : from.publicKey;
    expect(far.outcome).toEqual({ kind: 'done', result: { key, host: said.host, token: said.token } });
  });
});

describe('what a proof says with it', () => {
  const text = (maxLength: number) =>
    fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((n) => String.fromCharCode(n)), maxLength });

  it('comes back as it was said', () => {
    const any = fc.record({ isAnonymous: fc.boolean(), host: text(255), token: text(256) });
    fc.assert(
      fc.property(any, (said) => {
        expect(decodeHopClaim(encodeHopClaim(said))).toEqual(said);
      }),
    );
  });

  it('is nothing else than that: what is cut, longer or changed in shape is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (payload) => {
        let said: HopClaim | undefined;
        try {
          said = decodeHopClaim(payload);
        } catch (error) {
          expect(error).toEqual(refused);
        }
        if (said) expect(hex(encodeHopClaim(said))).toBe(hex(payload));
      }),
    );
    const whole = encodeHopClaim({ isAnonymous: false, host: 'a.example', token: 'correct-horse' });
    for (let length = 0; length < whole.length; length++)
      expect(() => decodeHopClaim(whole.subarray(0, length))).toThrow(refused);
    expect(() => decodeHopClaim(Uint8Array.of(...whole, 0))).toThrow(refused);
    expect(() => decodeHopClaim(bytes('02000000'))).toThrow(refused);
    expect(() => decodeHopClaim(bytes(`00000101${'61'.repeat(257)}`))).toThrow(refused);
  });

  it('has no token that is too long or cannot be typed, and no host that cannot be told', () => {
    for (const token of ['a'.repeat(257), 'two words', 'Schlüssel'])
      expect(() => encodeHopClaim({ ...claim, token })).toThrow(
        expect.objectContaining({ code: 'ERR_XFER_USAGE' }),
      );
    expect(decodeHopClaim(encodeHopClaim({ ...claim, host: 'a'.repeat(256) })).host).toBe('');
  });
});

describe('the cores of a hop proof', () => {
  const honest = talk(prover(), verifier());

  it('ignore messages of another kind or version, and have not begun by them', () => {
    const [near, far] = [prover(), verifier()];
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (message) => {
        if (message[0] === hopProofKind) return;
        near.handleMessage(message);
        far.handleMessage(0, message);
        expect([endOf(near), endOf(far), far.isBegun]).toEqual(['open', 'open', false]);
      }),
    );
    talk(near, far);
    expect([endOf(near), endOf(far)]).toEqual(['done', 'done']);
  });

  it('take no garbage for a proof, whatever comes in whatever order', () => {
    const garbage = fc
      .uint8Array({ maxLength: maxMessageBytes - 2 })
      .map((rest) => Uint8Array.of(hopProofKind, 1 + (rest.length % 3), ...rest));
    const message = fc.oneof(garbage, fc.constantFrom(...honest));
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 6 }), (messages) => {
        const [near, far] = [prover({ seed: 'another' }), verifier({ seed: 'another' })];
        near.pollOutput();
        for (const [now, said] of messages.entries()) {
          near.handleMessage(said);
          far.handleMessage(now, said);
        }
        expect(far.isBegun).toBe(true);
        far.handleTime(timeoutMs + messages.length);
        near.handleTime(deadline);
        // Each of the honest messages belongs to other ephemeral keys.
        expect(endOf(near)).toMatch(/^ERR_XFER_(HANDSHAKE|TIMEOUT)$/);
        expect(endOf(far)).toMatch(/^ERR_XFER_(HANDSHAKE|TIMEOUT)$/);
        let answers = 0;
        while (far.pollOutput()) answers++;
        expect(answers).toBeLessThanOrEqual(1);
        expect(near.pollOutput()).toBeUndefined();
      }),
    );
  });

  it('refuse a message of which a bit was changed, that was cut or that is longer', () => {
    const change = fc.record({
      bit: fc.nat(8 * 64 - 1),
      length: fc.nat(200),
      how: fc.nat(2),
      step: fc.nat(2),
    });
    fc.assert(
      fc.property(change, ({ bit, length, how, step }) => {
        const whole = honest[step] ?? expect.unreachable();
        const at = 2 + (bit % (whole.length - 2));
        const altered =
          how === 0
            ? whole.map((byte, i) => (i === at ? byte ^ (1 << (bit % 8)) : byte))
            : how === 1
              ? whole.slice(0, 1 + (length % (whole.length - 1)))
              : Uint8Array.of(...whole, length);
        const [near, far] = [prover(), verifier()];
        near.pollOutput();
        if (step === 1) near.handleMessage(altered);
        else {
          far.handleMessage(0, step === 0 ? altered : (honest[0] ?? expect.unreachable()));
          far.handleMessage(0, step === 0 ? (honest[2] ?? expect.unreachable()) : altered);
        }
        expect(endOf(step === 1 ? near : far)).toBe('ERR_XFER_HANDSHAKE');
      }),
    );
  });

  it('do not take the messages of one connection on another', () => {
    const far = verifier({ seed: 'another relay ephemeral' });
    far.handleMessage(0, honest[0]!);
    far.handleMessage(0, honest[2]!);
    expect(endOf(far)).toBe('ERR_XFER_HANDSHAKE');
    const near = prover({ seed: 'another dialer ephemeral' });
    near.handleMessage(honest[1]!);
    expect(endOf(near)).toBe('ERR_XFER_HANDSHAKE');
  });

  it('do not take messages in another order, or a first one twice', () => {
    for (const order of [[2], [0, 0], [1], [0, 1]]) {
      const far = verifier();
      for (const at of order) far.handleMessage(0, honest[at]!);
      expect([order, endOf(far)]).toEqual([order, 'ERR_XFER_HANDSHAKE']);
    }
  });

  it.each(smallOrder)('refuse keys of small order: %s', (point) => {
    const far = verifier();
    far.handleMessage(0, Uint8Array.of(hopProofKind, 1, ...bytes(point)));
    expect(endOf(far)).toBe('ERR_XFER_HANDSHAKE');
    expect(far.pollOutput()).toBeUndefined();
    const near = prover();
    near.handleMessage(Uint8Array.of(hopProofKind, 2, ...bytes(point), ...new Uint8Array(64)));
    expect(endOf(near)).toBe('ERR_XFER_HANDSHAKE');
  });

  it.each(smallOrder)(
    'refuse an identity of small order, although its owner goes through with it: %s',
    (point) => {
      const [near, far] = [prover({ identity: { ...dialer, publicKey: bytes(point) } }), verifier()];
      talk(near, far);
      expect(endOf(far)).toBe('ERR_XFER_HANDSHAKE');
    },
  );

  it("refuse who claims somebody else's key", () => {
    const [near, far] = [
      prover({ identity: { ...dialer, publicKey: makeIdentity().publicKey } }),
      verifier(),
    ];
    talk(near, far);
    expect([endOf(near), endOf(far)]).toEqual(['done', 'ERR_XFER_HANDSHAKE']);
  });

  it('say nothing of the dialer to a relay with another key than the pinned one', () => {
    const [near, far] = [prover({ expected: [makeIdentity().publicKey] }), verifier()];
    expect(talk(near, far)).toHaveLength(2);
    expect([endOf(near), endOf(far)]).toEqual(['ERR_XFER_KEY_CHANGED', 'open']);
    const pinned = prover({ expected: [makeIdentity().publicKey, relay.publicKey] });
    talk(pinned, verifier());
    expect(endOf(pinned)).toBe('done');
  });

  it('keep to their time: a relay from the first message on, a dialer from the start', () => {
    const [near, far] = [prover(), verifier()];
    far.handleTime(1e9);
    expect(far.isBegun).toBe(false);
    far.handleMessage(1e9, near.pollOutput()!);
    near.handleMessage(far.pollOutput()!);
    far.handleTime(1e9 + timeoutMs - 1);
    expect(endOf(far)).toBe('open');
    far.handleMessage(1e9 + timeoutMs, near.pollOutput()!);
    expect(endOf(far)).toBe('ERR_XFER_TIMEOUT');
    const lonely = prover();
    lonely.handleTime(deadline - 1);
    expect(endOf(lonely)).toBe('open');
    lonely.handleTime(deadline);
    expect(endOf(lonely)).toBe('ERR_XFER_TIMEOUT');
  });

  it('stay as they ended, whatever comes', () => {
    const [near, far] = [prover(), verifier()];
    const messages = talk(near, far);
    const ends = [near.outcome, far.outcome];
    for (const message of messages) {
      near.handleMessage(message);
      far.handleMessage(0, message);
    }
    near.handleTime(1e9);
    far.handleTime(1e9);
    expect([near.outcome, far.outcome]).toEqual(ends);
    expect([near.pollOutput(), far.pollOutput()]).toEqual([undefined, undefined]);
  });
});
