import { generateKeyPairSync } from 'node:crypto';

/** A new key as libp2p writes one: a protobuf of type (1: Ed25519) and of 64 bytes, seed and public key. */
export function newPrivateKey(): Uint8Array {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const key = Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]);
  return Buffer.concat([Uint8Array.of(0x08, 1, 0x12, key.length), key]);
}
