import { sourceKey } from '../transport/source-key.js';
import type { HopPeer } from './observer.js';

/**
 * Under which name a peer's streams, opens, bytes and share are counted: what it has its weight by, its key or its token.
 * Whoever has none goes by address, whatever it proved: keys cost nothing, and each would be another stranger.
 */
export function shareKey({ key, token, weight }: HopPeer, address: string): string {
  if (weight <= 0) return unknownPeer(address);
  if (token !== undefined) return `token:${token}`;
  return key ?? unknownPeer(address);
}

/** The same for what anybody may have a few of, such as rooms: those who bring one token are many. */
export function placeKey({ key, token, weight }: HopPeer, address: string): string {
  return weight <= 0 || token !== undefined || key === undefined ? unknownPeer(address) : key;
}

/** Whose it is, for as long as it is there: who proved a key can come back to it from elsewhere. */
export function ownerKey({ key }: HopPeer, address: string): string {
  return key ?? unknownPeer(address);
}

/** What a peer is counted under by where it comes from: all connections of one source are one peer. */
export function unknownPeer(address: string): string {
  return `${unknownPrefix}${sourceKey(address)}`;
}

export function isUnknownPeer(peer: string): boolean {
  return peer.startsWith(unknownPrefix);
}

/** Proved keys are hex. */
const unknownPrefix = 'unknown:';
