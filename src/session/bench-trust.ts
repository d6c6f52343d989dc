import { equalBytes } from './bytes.js';
import { deriveKey } from './kdf.js';
import type { SessionSecrets } from './keys.js';

export interface BenchTrustOptions {
  /** What the bench that started this side has made for one run, and told nobody but the processes of that. Default: none has. */
  readonly key: Uint8Array | undefined;
  readonly secrets: Pick<SessionSecrets, 'transcript' | 'role'>;
}

/**
 * Whether one bench has started both sides, to see what sealing costs: then nothing need be sealed. Each side proves in its HELLO
 * that it has the key of that run. The proof is of this handshake and of the side that gives it: none can be told again.
 */
export class BenchTrust {
  readonly #options: BenchTrustOptions;
  #isAgreed = false;

  constructor(options: BenchTrustOptions) {
    this.#options = options;
  }

  /** What our HELLO says; undefined where there is nothing to be said. */
  get proof(): Uint8Array | undefined {
    return this.#proofOf(this.#options.secrets.role);
  }

  handleHello({ benchProof }: { readonly benchProof?: Uint8Array }): void {
    const { role } = this.#options.secrets;
    const expected = this.#proofOf(role === 'dialer' ? 'listener' : 'dialer');
    this.#isAgreed = expected !== undefined && benchProof !== undefined && equalBytes(expected, benchProof);
  }

  get isAgreed(): boolean {
    return this.#isAgreed;
  }

  #proofOf(role: SessionSecrets['role']): Uint8Array | undefined {
    const { key, secrets } = this.#options;
    return key && deriveKey(key, secrets.transcript, `xfer bench unsealed ${role}`);
  }
}
