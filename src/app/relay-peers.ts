import { createHash, timingSafeEqual } from 'node:crypto';
import type { OwnLimits } from '../relay/observer.js';
import type { RelayPeers } from '../relay/relay-peers.js';
import type { RelayConfig } from './relay-config.js';

/** What the configuration says of somebody. */
export interface KnownPeer {
  readonly name: string;
  /** Its share under load; strangers share `unknownWeight`. */
  readonly weight: number;
  /** On the allow list, or there by a token. */
  readonly isAllowed: boolean;
  readonly limits?: OwnLimits;
}

/** Who may use a relay, and as whom. */
interface ConfiguredPeers extends RelayPeers {
  findKey(key: Uint8Array): KnownPeer | undefined;
  findToken(token: string): KnownPeer | undefined;
}

const defaultWeight = 1;

/** The peers and tokens of a configuration. */
export function relayPeers({ peers = [], tokens = [], allow }: RelayConfig): ConfiguredPeers {
  const allowed = new Set(allow);
  const byKey = new Map<string, KnownPeer>();
  for (const { name, key, weight = defaultWeight, maxStreams, rate } of peers)
    byKey.set(Buffer.from(key).toString('hex'), {
      name,
      weight,
      isAllowed: allowed.has(name),
      ...(maxStreams === undefined && rate === undefined
        ? {}
        : { limits: { maxStreams, bytesPerSecond: rate } }),
    });
  const byToken = tokens.map(({ name, token, weight = defaultWeight }) => ({
    digest: digestOf(token),
    peer: { name, weight, isAllowed: true },
  }));
  return {
    isPrivate: allow !== undefined,
    findKey: (key) => byKey.get(Buffer.from(key).toString('hex')),
    findToken: (token) => {
      const digest = digestOf(token);
      let found: KnownPeer | undefined;
      // All of them, each time: how long it takes tells nothing.
      for (const entry of byToken) if (timingSafeEqual(entry.digest, digest)) found = entry.peer;
      return found;
    },
  };
}

const digestOf = (token: string): Uint8Array => createHash('sha256').update(token).digest();
