import type { PacketConnection } from 'xfer/plugin';
import type { HelloCrypto } from './hello-crypto.js';
import { packetKeyBytes } from './hello-layout.js';

/** Ids and keys of a connection, seen from one end. */
export type ConnectionKeys = Omit<PacketConnection, 'remote'>;

/** The key of what each side sends. */
export interface PacketKeys {
  readonly dialer: Uint8Array;
  readonly listener: Uint8Array;
}

/**
 * Of the agreed secret and of every byte that the hellos said: who changes one of them makes other keys, and the tag of the
 * ACCEPT, made with the listener's, tells.
 */
export function packetKeys(
  crypto: HelloCrypto,
  secret: Uint8Array,
  hello: Uint8Array,
  untaggedAccept: Uint8Array,
): PacketKeys {
  const transcript = crypto.sha256(hello, untaggedAccept);
  const key = (info: string) => crypto.hkdf(secret, transcript, info, packetKeyBytes);
  return { dialer: key('xfer udp 1 dialer'), listener: key('xfer udp 1 listener') };
}
