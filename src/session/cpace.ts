import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { XferError } from '../errors/index.js';
import { concat, lvCat, utf8 } from './bytes.js';
import { cpaceScalarBytes } from './handshake-sizes.js';

export type CpaceRole = 'initiator' | 'responder';

export interface CpaceOptions {
  readonly role: CpaceRole;
  /** The secret that both sides share. */
  readonly password: Uint8Array;
  /** CI: what the key is for and who takes part; the same on both sides. */
  readonly channel: Uint8Array;
  /** Never the same twice: both sides give to it. */
  readonly sid: Uint8Array;
  /** ADa and ADb: data of each side that the key is bound to. They must differ. */
  readonly initiatorData: Uint8Array;
  readonly responderData: Uint8Array;
  /** 32 random bytes, used once. */
  readonly random: Uint8Array;
}

export interface CpaceKey {
  /** 64 bytes, equal on both sides only where password, channel, sid and what was seen on the wire are. */
  readonly isk: Uint8Array;
  /** Explicit key confirmation: the tag that `role` sends. 64 bytes. */
  confirmation(role: CpaceRole): Uint8Array;
}

/** One run of CPACE-RISTR255-SHA512 in the initiator-responder setting (draft-irtf-cfrg-cpace-21 §6, §8.3). */
export class CpaceRun {
  /** What goes to the other side. */
  readonly share: Uint8Array;
  readonly #options: CpaceOptions;
  readonly #scalar: bigint;

  /** `random` of zeros is refused with ERR_XFER_INTERNAL. */
  constructor(options: CpaceOptions) {
    this.#options = options;
    this.#scalar = scalarFrom(options.random);
    this.share = generator(options).multiply(this.#scalar).toBytes();
  }

  /** Throws ERR_XFER_HANDSHAKE where `otherShare` is no encoding of an element, or encodes the identity. */
  finish(otherShare: Uint8Array): CpaceKey {
    const { role, sid, initiatorData, responderData } = this.#options;
    const k = scalarMultVerified(this.#scalar, otherShare);
    const [ya, yb] = role === 'initiator' ? [this.share, otherShare] : [otherShare, this.share];
    const sent = { initiator: lvCat(ya, initiatorData), responder: lvCat(yb, responderData) };
    const isk = sha512(concat(lvCat(concat(dsi, utf8('_ISK')), sid, k), sent.initiator, sent.responder));
    const macKey = sha512(concat(utf8('CPaceMac'), sid, isk));
    return { isk, confirmation: (of) => hmac(sha512, macKey, sent[of]) };
  }
}

/** generator_string of §8: the padding fills the first block of the hash, so that its time says nothing of the password. */
export function generatorString(password: Uint8Array, channel: Uint8Array, sid: Uint8Array): Uint8Array {
  const padding = Math.max(0, sha512BlockBytes - lvCat(password).length - lvCat(dsi).length - 1);
  return lvCat(dsi, password, new Uint8Array(padding), channel, sid);
}

/** The encoded generator of a password, for the vectors. */
export function encodedGenerator(password: Uint8Array, channel: Uint8Array, sid: Uint8Array): Uint8Array {
  return generator({ password, channel, sid }).toBytes();
}

/** scalar_mult_vfy of §8.3, refusing where that gives the identity. */
export function scalarMultVerified(scalar: bigint, share: Uint8Array): Uint8Array {
  const point = decodePoint(share).multiply(scalar);
  if (point.is0()) throw invalidShare();
  return point.toBytes();
}

/** sample_scalar of §8.3: 252 of the random bits, little-endian. */
export function scalarFrom(random: Uint8Array): bigint {
  let scalar = 0n;
  for (const byte of random.toReversed()) scalar = (scalar << 8n) | BigInt(byte);
  scalar &= (1n << 252n) - 1n;
  if (random.length !== cpaceScalarBytes || scalar === 0n)
    throw new XferError('ERR_XFER_INTERNAL', 'CPace was given no randomness');
  return scalar;
}

const dsi = utf8('CPaceRistretto255');
const sha512BlockBytes = 128;

type Point = InstanceType<typeof ristretto255.Point>;

function generator({ password, channel, sid }: Pick<CpaceOptions, 'password' | 'channel' | 'sid'>): Point {
  const derive = ristretto255_hasher.deriveToCurve;
  if (!derive) throw new XferError('ERR_XFER_INTERNAL', 'ristretto255 has no element derivation');
  return derive(sha512(generatorString(password, channel, sid)));
}

function decodePoint(share: Uint8Array): Point {
  try {
    return ristretto255.Point.fromBytes(share);
  } catch (cause) {
    throw invalidShare(cause);
  }
}

function invalidShare(cause?: unknown): XferError {
  return new XferError('ERR_XFER_HANDSHAKE', 'the other side sent no valid share', { cause });
}
