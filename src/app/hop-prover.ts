import type { ProveHop } from '../relay/prove-hop.js';
import type { Identity } from '../session/identity.js';
import { PeerStore } from '../session/peer-store.js';

export interface HopProverOptions {
  /** Of the known peers: where one was met at the relay's host, the relay must have its key. */
  readonly home: string;
  /** Shown to the relay; undefined: only the token is. */
  readonly identity: Identity | undefined;
  readonly token?: string | undefined;
}

/** Says to relays who dials; undefined where there is nothing to say. */
export function hopProver({ home, identity, token }: HopProverOptions): ProveHop | undefined {
  if (!identity && token === undefined) return undefined;
  const known = new PeerStore(home);
  return async (connection, { host }, signal) => {
    const [{ proveHop }, met] = await Promise.all([
      import('../session/hop-proof.js'),
      known.findByHost(host),
    ]);
    const expected = met.length > 0 ? met.map(({ key }) => key) : undefined;
    await proveHop(connection, { identity, token, host, expected, signal });
  };
}
