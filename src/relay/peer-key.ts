import { sourceKey } from '../transport/source-key.js';

/** What a peer that proved no key is counted under: all connections of one source are one peer. */
export function unknownPeer(address: string): string {
  return `${unknownPrefix}${sourceKey(address)}`;
}

export function isUnknownPeer(peer: string): boolean {
  return peer.startsWith(unknownPrefix);
}

/** Proved keys are hex. */
const unknownPrefix = 'unknown:';
