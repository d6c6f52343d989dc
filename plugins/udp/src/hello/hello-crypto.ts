/** The cryptography of the hellos; `nodeHelloCrypto` is the one of real sockets. */
export interface HelloCrypto {
  /** As many, fresh. */
  randomBytes(bytes: number): Uint8Array;
  keyPair(): KeyPair;
  /** Of the parts one behind the other: 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA-256 (RFC 2104): 32 bytes. */
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** HKDF-SHA-256 (RFC 5869). */
  hkdf(secret: Uint8Array, salt: Uint8Array, info: string, bytes: number): Uint8Array;
  /** SipHash-2-4 under a 16-byte key: 8 bytes. */
  sipHash(key: Uint8Array, bytes: Uint8Array): Uint8Array;
}

/** X25519 (RFC 7748), for one connection. */
export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes; undefined where they would be zeros, which a public key of small order brings about (RFC 7748 §6.1). */
  agree(otherPublicKey: Uint8Array): Uint8Array | undefined;
}
