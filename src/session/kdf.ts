import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8 } from './bytes.js';

/** HKDF-SHA-256 (RFC 5869). `label` starts with `xfer` and is used for one purpose only. */
export function deriveKey(
  input: Uint8Array,
  salt: Uint8Array | undefined,
  label: string | Uint8Array,
  bytes = 32,
): Uint8Array {
  return hkdf(sha256, input, salt, typeof label === 'string' ? utf8(label) : label, bytes);
}

/** HMAC-SHA-256 (RFC 2104). */
export function mac(key: Uint8Array, message: Uint8Array): Uint8Array {
  return hmac(sha256, key, message);
}

export function digest(message: Uint8Array): Uint8Array {
  return sha256(message);
}
