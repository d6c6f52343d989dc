import type { Identity } from '../session/identity.js';
import type { Decision } from './events.js';
import { hopProver } from './hop-prover.js';
import type { SendOptions } from './options.js';
import type { Route } from './route.js';
import type { Ways } from './ways.js';
import { directWays } from './ways-direct.js';
import { pinnedWay, relayedWay } from './ways-single.js';

export interface WaysOfOptions extends Pick<
  SendOptions,
  'transports' | 'tuning' | 'use' | 'home' | 'identify' | 'relayToken'
> {
  readonly identity: Identity;
  /** A relay on the way does not pipe, but stores records and forwards them whole. */
  onStored(relay: string): void;
  onDecision(decision: Decision): void;
  onNote(message: string): void;
}

/** How the other end of a route can be reached. Throws ERR_XFER_USAGE. */
export function waysOf({ way }: Route, options: WaysOfOptions): Ways {
  const { transports, tuning, use, onDecision, onNote } = options;
  if ('relays' in way) {
    const { home, identify, identity, relayToken: token, onStored } = options;
    const prove = hopProver({ home, identity: identify ? identity : undefined, token });
    return relayedWay(way, transports, { prove, onStored, tuning });
  }
  if ('scheme' in way) return pinnedWay(way, transports, tuning);
  return directWays({ named: way, transports, use, tuning, onDecision, onNote });
}
