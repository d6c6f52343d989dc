/** First byte of the packets before a connection. */
export const helloType = Object.freeze({
  hello: 0x10,
  retry: 0x11,
  accept: 0x12,
  versions: 0x13,
  refused: 0x14,
});

/** The one version of the protocol that is spoken here. */
export const protocolVersion = 1;

export const idBytes = 8;
/** Of X25519 (RFC 7748). */
export const publicKeyBytes = 32;
/** Of SipHash-2-4. */
export const tagBytes = 8;
export const packetKeyBytes = 16;

/** What REFUSED says. Codes that a dialer does not know are a refusal like any other. */
export const refusalCode = Object.freeze({
  /** A limit of the listener's: its connections in all, those of this source, or how fast they come. */
  limit: 1,
  /** It takes no new connections any more. */
  closing: 2,
});
