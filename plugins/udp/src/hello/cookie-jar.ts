import type { SocketAddress } from 'xfer/plugin';
import type { HelloCrypto } from './hello-crypto.js';
import type { Hello } from './hello-packet.js';
import { sameBytes } from './same-bytes.js';

/** What of a HELLO a cookie is bound to. */
export type CookieOwner = Pick<Hello, 'version' | 'dialerId' | 'publicKey'>;

export const cookieBytes = 22;

/**
 * Cookies that prove that a dialer gets what is sent to its address, and for which nothing is remembered: the time they
 * were made, and a MAC over it, the address, the dialer's id, key and version (RFC 9000 §8.1.2 has the like).
 */
export class CookieJar {
  readonly #crypto: HelloCrypto;
  readonly #lifetimeMs: number;
  #secret: Secret;
  #previous: Secret | undefined;

  constructor(crypto: HelloCrypto, lifetimeMs: number, now: number) {
    this.#crypto = crypto;
    this.#lifetimeMs = lifetimeMs;
    this.#secret = this.#newSecret(now);
  }

  make(now: number, from: SocketAddress, owner: CookieOwner): Uint8Array {
    this.#rotate(now);
    const cookie = new Uint8Array(cookieBytes);
    // Bitwise operators would cut the time down to 32 bits.
    for (let at = timeBytes - 1, rest = Math.floor(now); at >= 0; at--, rest = Math.floor(rest / 256))
      cookie[at] = rest % 256;
    cookie.set(this.#mac(this.#secret, cookie.subarray(0, timeBytes), from, owner), timeBytes);
    return cookie;
  }

  /** Whether we made it, for this dialer at this address, at most the lifetime ago. */
  verify(now: number, from: SocketAddress, owner: CookieOwner, cookie: Uint8Array): boolean {
    if (cookie.length !== cookieBytes) return false;
    this.#rotate(now);
    const time = cookie.subarray(0, timeBytes);
    const age = now - time.reduce((sum, byte) => sum * 256 + byte, 0);
    if (!(age >= 0 && age <= this.#lifetimeMs)) return false;
    const mac = cookie.subarray(timeBytes);
    const isBy = (secret: Secret) => sameBytes(this.#mac(secret, time, from, owner), mac);
    return isBy(this.#secret) || (this.#previous !== undefined && isBy(this.#previous));
  }

  /** A secret makes cookies for one lifetime and is known for another, so that every cookie is good for its own. */
  #rotate(now: number): void {
    const age = now - this.#secret.madeAt;
    if (age >= 0 && age < this.#lifetimeMs) return;
    this.#previous = age >= 0 && age < 2 * this.#lifetimeMs ? this.#secret : undefined;
    this.#secret = this.#newSecret(now);
  }

  #newSecret(now: number): Secret {
    return { madeAt: now, key: this.#crypto.randomBytes(32) };
  }

  #mac(secret: Secret, time: Uint8Array, from: SocketAddress, owner: CookieOwner): Uint8Array {
    const numbers = Uint8Array.of(owner.version >> 8, owner.version, from.port >> 8, from.port);
    const host = encoder.encode(from.host);
    const whole = this.#crypto.hmac(secret.key, time, numbers, owner.dialerId, owner.publicKey, host);
    return whole.subarray(0, cookieBytes - timeBytes);
  }
}

interface Secret {
  readonly madeAt: number;
  readonly key: Uint8Array;
}

const timeBytes = 6;
const encoder = new TextEncoder();
