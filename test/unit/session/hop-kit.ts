import type { HopClaim } from '../../../src/session/hop-claim.js';
import {
  HopProver,
  HopVerifier,
  type HopProverOptions,
  type HopVerifierOptions,
} from '../../../src/session/hop-proof-core.js';
import { makeIdentity, seededRandom } from './handshake-kit.js';

export const dialer = makeIdentity();
export const relay = makeIdentity();
export const claim: HopClaim = { isAnonymous: false, host: 'relay.example', token: '' };
export const timeoutMs = 2_000;
export const deadline = 5_000;

export function prover(options: Partial<HopProverOptions> & { seed?: string } = {}): HopProver {
  const ephemeral = seededRandom(options.seed ?? 'dialer')(32);
  return new HopProver({ identity: dialer, ephemeral, claim, deadline, ...options });
}

export function verifier(options: Partial<HopVerifierOptions> & { seed?: string } = {}): HopVerifier {
  const ephemeral = seededRandom(options.seed ?? 'relay')(32);
  return new HopVerifier({ identity: relay, ephemeral, timeoutMs, ...options });
}

/** Lets the two talk at time 0 until neither has anything to say; all messages in order. */
export function talk(from: HopProver, to: HopVerifier): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (;;) {
    const said = from.pollOutput();
    const answer = said ? undefined : to.pollOutput();
    if (said) to.handleMessage(0, said);
    else if (answer) from.handleMessage(answer);
    else return messages;
    messages.push(said ?? answer ?? new Uint8Array());
  }
}

/** The error's code, or `done`, or `open`. */
export function endOf({ outcome }: HopProver | HopVerifier): string {
  if (!outcome) return 'open';
  return outcome.kind === 'done' ? 'done' : outcome.error.code;
}
