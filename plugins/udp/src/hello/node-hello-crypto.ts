import { Buffer } from 'node:buffer';
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  randomBytes as systemRandomBytes,
} from 'node:crypto';
import type { UdpApi } from 'xfer/plugin';
import type { HelloCrypto, KeyPair } from './hello-crypto.js';

/** By node:crypto. Keys come of `randomBytes` too, so that a test can know them. */
export function nodeHelloCrypto(
  sipHash: UdpApi['sipHash'],
  randomBytes: (bytes: number) => Uint8Array = systemRandomBytes,
): HelloCrypto {
  return {
    randomBytes,
    keyPair: () => keyPair(randomBytes(32)),
    sha256: (...parts) => {
      const hash = createHash('sha256');
      for (const part of parts) hash.update(part);
      return hash.digest();
    },
    hmac: (key, ...parts) => {
      const hmac = createHmac('sha256', key);
      for (const part of parts) hmac.update(part);
      return hmac.digest();
    },
    hkdf: (secret, salt, info, bytes) => new Uint8Array(hkdfSync('sha256', secret, salt, info, bytes)),
    sipHash,
  };
}

function keyPair(secret: Uint8Array): KeyPair {
  const privateKey = createPrivateKey({
    key: Buffer.concat([privateKeyHead, secret]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(publicKeyHead.length)),
    agree: (otherPublicKey) => {
      try {
        const key = Buffer.concat([publicKeyHead, otherPublicKey]);
        return diffieHellman({
          privateKey,
          publicKey: createPublicKey({ key, format: 'der', type: 'spki' }),
        });
      } catch {
        // OpenSSL refuses a result of zeros by itself.
        return undefined;
      }
    },
  };
}

/** What stands before the 32 bytes of an X25519 key in its DER encodings (RFC 8410): node:crypto takes no bare ones. */
const privateKeyHead = Buffer.from('302e020100300506032b656e04220420', 'hex');
const publicKeyHead = Buffer.from('302a300506032b656e032100', 'hex');
