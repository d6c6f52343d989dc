import { readFileSync } from 'node:fs';
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { NoiseHandshake, openOnce, sealOnce, type NoiseOptions } from '../../../src/session/noise.js';
import { identityOf, makeIdentity, seededRandom } from './handshake-kit.js';

interface Vector {
  readonly source: string;
  readonly pattern: 'XX' | 'XXpsk0';
  readonly prologue: string;
  readonly psk?: string;
  readonly initStatic: string;
  readonly initEphemeral: string;
  readonly respStatic: string;
  readonly respEphemeral: string;
  readonly handshakeHash?: string;
  /** Whose message is the fourth; from there on they take turns. */
  readonly firstAfterHandshake: 'initiator' | 'responder';
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../fixtures/wire/noise-xx.json', import.meta.url), 'utf8'),
) as readonly Vector[];
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');

function sides(vector: Vector): readonly [NoiseHandshake, NoiseHandshake] {
  const common = { prologue: bytes(vector.prologue), ...(vector.psk ? { psk: bytes(vector.psk) } : {}) };
  const side = (initiator: boolean, fixed: string, ephemeral: string) =>
    new NoiseHandshake({
      ...common,
      initiator,
      identity: identityOf(bytes(fixed)),
      ephemeral: bytes(ephemeral),
    });
  return [
    side(true, vector.initStatic, vector.initEphemeral),
    side(false, vector.respStatic, vector.respEphemeral),
  ];
}

/** What Noise sends under a key of the split, by another implementation of ChaCha20-Poly1305. */
function transportMessages(key: Uint8Array): (payload: string) => string {
  let counter = 0;
  return (payload) => {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32LE(counter++, 4);
    const seal = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    return hex(Buffer.concat([seal.update(payload, 'hex'), seal.final(), seal.getAuthTag()]));
  };
}

describe('Noise against published vectors', () => {
  it('has vectors of both patterns', () => {
    expect(new Set(vectors.map((vector) => vector.pattern))).toEqual(new Set(['XX', 'XXpsk0']));
  });

  it.each(vectors.map((vector, i) => [`${vector.pattern} of ${vector.source}, ${i}`, vector] as const))(
    '%s',
    (_, vector) => {
      const [initiator, responder] = sides(vector);
      for (const [i, { payload, ciphertext }] of vector.messages.slice(0, 3).entries()) {
        const [from, to] = i % 2 === 0 ? [initiator, responder] : [responder, initiator];
        expect(hex(from.write(bytes(payload)))).toBe(ciphertext);
        expect(hex(to.read(bytes(ciphertext)))).toBe(payload);
      }
      const [ours, theirs] = [initiator.split(), responder.split()];
      expect(ours).toEqual(theirs);
      if (vector.handshakeHash) expect(hex(ours.hash)).toBe(vector.handshakeHash);
      const sealed = {
        initiator: transportMessages(ours.initiatorKey),
        responder: transportMessages(ours.responderKey),
      };
      const turn = vector.firstAfterHandshake === 'initiator' ? 0 : 1;
      for (const [i, { payload, ciphertext }] of vector.messages.slice(3).entries())
        expect(sealed[(turn + i) % 2 === 0 ? 'initiator' : 'responder'](payload)).toBe(ciphertext);
    },
  );
});

describe('Noise', () => {
  const pair = (change: Partial<NoiseOptions> = {}) => {
    const prologue = bytes('aa');
    const random = seededRandom('noise');
    const initiator = new NoiseHandshake({
      initiator: true,
      identity: makeIdentity(),
      ephemeral: random(32),
      prologue,
    });
    const responder = new NoiseHandshake({
      initiator: false,
      identity: makeIdentity(),
      ephemeral: random(32),
      prologue,
      ...change,
    });
    return [initiator, responder] as const;
  };
  const refusal = expect.objectContaining({ code: 'ERR_XFER_HANDSHAKE' }) as Error;

  it('refuses keys whose Diffie-Hellman result is all zeros', () => {
    for (const point of [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    ]) {
      const [, responder] = pair();
      responder.read(bytes(point));
      expect(() => responder.write()).toThrow(refusal);
    }
  });

  it('refuses messages of sides that have seen something else', () => {
    const [initiator, responder] = pair({ prologue: bytes('ab') });
    responder.read(initiator.write());
    expect(() => initiator.read(responder.write())).toThrow(refusal);
  });

  it('refuses another psk, and a psk on one side alone, with the first message', () => {
    const psk = new Uint8Array(32).fill(7);
    const dialer = new NoiseHandshake({
      initiator: true,
      identity: makeIdentity(),
      ephemeral: new Uint8Array(32).fill(9),
      prologue: bytes('aa'),
      psk,
    });
    const first = dialer.write();
    const [, wrong] = pair({ psk: new Uint8Array(32).fill(8) });
    expect(() => wrong.read(first)).toThrow(refusal);
    const [, right] = pair({ psk });
    expect(right.read(first)).toHaveLength(0);
  });

  it('refuses messages that are cut or empty, and leaves what it was given alone', () => {
    const [initiator, responder] = pair();
    const first = initiator.write();
    const before = first.slice();
    expect(() => pair()[1].read(first.subarray(0, 31))).toThrow(refusal);
    expect(() => pair()[1].read(new Uint8Array())).toThrow(refusal);
    responder.read(first);
    initiator.read(responder.write());
    responder.read(initiator.write());
    expect(first).toEqual(before);
  });

  it('opens once what was sealed once, and nothing that was changed', () => {
    const key = new Uint8Array(32).fill(3);
    const sealed = sealOnce(key.slice(), Uint8Array.of(0));
    expect(openOnce(key.slice(), sealed)).toEqual(Uint8Array.of(0));
    for (const i of sealed.keys()) {
      const changed = sealed.slice();
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => openOnce(key.slice(), changed)).toThrow(refusal);
    }
    expect(() => openOnce(key.slice(), new Uint8Array(3))).toThrow(refusal);
  });
});
