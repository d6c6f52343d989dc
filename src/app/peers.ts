import { XferError } from '../errors/index.js';
import { fingerprint, formatPublicKey, loadIdentity, parsePublicKey } from '../session/identity.js';
import { PeerStore } from '../session/peer-store.js';

/** A known peer as it is shown: `key` in base64. */
export interface ListedPeer {
  readonly name: string;
  readonly fingerprint: string;
  readonly key: string;
  readonly hosts: readonly string[];
}

export async function listPeers(home: string): Promise<readonly ListedPeer[]> {
  const peers = await new PeerStore(home).list();
  return peers.map(({ name, key, hosts }) => ({
    name,
    fingerprint: fingerprint(key),
    key: formatPublicKey(key),
    hosts,
  }));
}

/** `key` as `ownKey` gives it on the other machine, or in hexadecimal digits; anything else is ERR_XFER_USAGE. */
export async function addPeer(
  home: string,
  peer: { readonly name: string; readonly key: string; readonly hosts: readonly string[] },
): Promise<void> {
  const key = parsePublicKey(peer.key);
  if (!key)
    throw new XferError('ERR_XFER_USAGE', 'this is not a key: take it from xfer peers on the other machine');
  await new PeerStore(home).add({ name: peer.name, key, hosts: peer.hosts });
}

export async function renamePeer(home: string, from: string, to: string): Promise<void> {
  await new PeerStore(home).rename(from, to);
}

export async function removePeer(home: string, name: string): Promise<void> {
  await new PeerStore(home).remove(name);
}

export async function ownKey(home: string): Promise<{ readonly key: string; readonly fingerprint: string }> {
  const { publicKey } = await loadIdentity(home);
  return { key: formatPublicKey(publicKey), fingerprint: fingerprint(publicKey) };
}
