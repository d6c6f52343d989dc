import { createHash } from 'node:crypto';
import { XferError } from '../errors/index.js';
import type { HopPeer } from '../relay/observer.js';
import { errorOf, type RefusalReason } from '../relay/refusal-reason.js';
import type { RelayPeers } from '../relay/relay-peers.js';
import type { HopProof } from './hop-proof-core.js';
import { fingerprint } from './identity.js';

export interface HopVerdictOptions {
  readonly peers: RelayPeers;
  /** What this relay is called: a proof that was made for another host is refused. Empty: any host will do. */
  readonly names: readonly string[];
  /** Where the peer comes from: what a stranger is called. */
  readonly address: string;
}

export type HopVerdict =
  { readonly peer: HopPeer } | { readonly refused: RefusalReason; readonly error: XferError };

/** What a relay makes of what a peer has proved, or of a peer that proves nothing. */
export function hopVerdict(proof: HopProof | undefined, options: HopVerdictOptions): HopVerdict {
  const { peers, names, address } = options;
  const { key, host = '', token = '' } = proof ?? {};
  if (proof && names.length > 0 && !names.some((name) => sameHost(name, host)))
    return refusal('proof-host', 'the proof was made for a relay of another name');
  const ticket = token === '' ? undefined : peers.findToken(token);
  // Also where nothing depends on it, or a misspelt one would be found out on another day.
  if (token !== '' && !ticket) return refusal('token-wrong', 'the token is wrong');
  const listed = key && peers.findKey(key);
  const isTrusted = ticket !== undefined || (listed?.isAllowed ?? false);
  if (peers.isPrivate && !isTrusted) return refusal('not-allowed', 'the peer is not on the allow list');
  const ownWeight = listed?.weight ?? 0;
  // Keys cost nothing: a token's weight is not to be had again with each of them.
  const isByToken = ticket !== undefined && ticket.weight > ownWeight;
  return {
    peer: {
      key: key && Buffer.from(key).toString('hex'),
      name: listed?.name ?? ticket?.name ?? (key ? fingerprint(key) : address),
      trust: isTrusted ? 'trusted' : 'stranger',
      weight: isByToken ? ticket.weight : ownWeight,
      ...(isByToken ? { token: digestOf(token) } : {}),
      ...(listed?.limits && !isByToken ? { limits: listed.limits } : {}),
    },
  };
}

function refusal(refused: RefusalReason, message: string): HopVerdict {
  return { refused, error: new XferError(errorOf(refused), message) };
}

const digestOf = (token: string) => createHash('sha256').update(token).digest('hex');
const sameHost = (a: string, b: string) => bare(a) === bare(b);
const bare = (host: string) => host.toLowerCase().replace(/\.$/, '');
