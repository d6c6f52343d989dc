import { hostname } from 'node:os';
import type { Hello } from '../session/hello.js';
import { fingerprint } from '../session/identity.js';
import type { PeerStore } from '../session/peer-store.js';
import { printable } from '../transfer/printable.js';
import type { CommonOptions } from './options.js';

/** What this machine calls itself towards others. */
export const ownName = (): string => hostname();

/** What to call the other side: its name where it is known, else the fingerprint of its key. */
export async function shownPeer(
  peers: PeerStore,
  key: Uint8Array,
): Promise<{ peer: string; known: boolean }> {
  const known = await peers.findByKey(key);
  return { peer: known?.name ?? fingerprint(key), known: known !== undefined };
}

/** Pins the other side's key where the user asked for it, and says under which name. */
export async function rememberPeer(
  peers: PeerStore,
  options: CommonOptions,
  other: { readonly key: Uint8Array; readonly hello: Hello; readonly host: string | undefined },
): Promise<void> {
  if (!options.remember) {
    if (other.hello.remember)
      options.onEvent({
        event: 'note',
        message: 'the other side remembers this machine; --remember would return it',
      });
    return;
  }
  const name = await peers.remember({
    key: other.key,
    name: options.rememberAs ?? other.hello.name,
    host: other.host,
  });
  const message = `remembered as ${printable(name)}${other.hello.remember ? '' : ', but not by the other side: it needs --remember too'}`;
  options.onEvent({ event: 'note', message });
}
