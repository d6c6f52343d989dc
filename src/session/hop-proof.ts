import { randomBytes } from 'node:crypto';
import { domainToASCII } from 'node:url';
import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { HopIdentity, HopPeer } from '../relay/observer.js';
import type { RefusalReason } from '../relay/refusal-reason.js';
import { formatAddress } from '../transport/address.js';
import type { Connection } from '../transport/contract.js';
import { reasonOf } from './handshake-driver.js';
import { hopVerdict, type HopVerdict, type HopVerdictOptions } from './hop-peer.js';
import { HopProver, HopVerifier, type HopProof } from './hop-proof-core.js';
import { throwAwayIdentity, type Identity } from './identity.js';

export interface ProveHopOptions {
  /** Undefined: a key is made for this connection alone, and only the token counts. */
  readonly identity: Identity | undefined;
  readonly token?: string | undefined;
  /** The host that was dialled, as it was named. */
  readonly host: string;
  /** Keys of which the relay must hold one. Default: any. */
  readonly expected?: readonly Uint8Array[] | undefined;
  readonly signal: AbortSignal;
  /** Default: sessionDefaults.handshakeTimeoutMs. */
  readonly timeoutMs?: number;
}

/**
 * Proves to the relay at the other end of a new connection who dials. Resolves with the relay's key when the last message
 * is on its way: it comes before whatever is sent from then on, and the relay answers by what it does. Rejects with
 * ERR_XFER_KEY_CHANGED, _HANDSHAKE, _TIMEOUT, _CONNECTION_LOST, _USAGE or the signal's reason; then the connection is of no
 * use.
 */
export function proveHop(connection: Connection, options: ProveHopOptions): Promise<Uint8Array> {
  const { identity, token = '', host, expected, signal } = options;
  const timeoutMs = options.timeoutMs ?? sessionDefaults.handshakeTimeoutMs;
  const deadline = performance.now() + timeoutMs;
  const core = new HopProver({
    identity: identity ?? throwAwayIdentity(),
    ephemeral: ephemeral(),
    claim: { isAnonymous: identity === undefined, host: domainToASCII(host) || host, token },
    expected,
    deadline,
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      core.handleTime(Math.max(deadline, performance.now()));
      pump();
    }, timeoutMs);
    const interrupt = () => {
      core.fail(reasonOf(signal));
      pump();
    };

    function pump(): void {
      for (let bytes = core.pollOutput(); bytes; bytes = core.pollOutput()) connection.sendMessage(bytes);
      const { outcome } = core;
      if (!outcome) return;
      clearTimeout(timer);
      signal.removeEventListener('abort', interrupt);
      if (outcome.kind === 'done') resolve(outcome.result);
      else reject(outcome.error);
    }

    connection.onMessage((bytes) => {
      core.handleMessage(bytes);
      pump();
    });
    void connection.closed.then(({ error }) => {
      core.fail(
        new XferError('ERR_XFER_CONNECTION_LOST', 'it left before we had proved who we are', {
          cause: error,
        }),
      );
      pump();
    });
    signal.addEventListener('abort', interrupt, { once: true });
    if (signal.aborted) interrupt();
    else pump();
  });
}

export interface AcceptHopOptions extends Omit<HopVerdictOptions, 'address'> {
  readonly identity: Identity;
  /** From the first message of a proof to its last. Default: sessionDefaults.hopProofTimeoutMs. */
  readonly timeoutMs?: number;
  /** The peer is refused for who it is, or is not. */
  onRefuse?(reason: RefusalReason): void;
}

/**
 * The relay's side, from the moment that the connection is there. A peer whose proof fails is not taken for a stranger: it
 * is refused, and its connection is closed when the time for a proof is over.
 */
export function acceptHop(connection: Connection, options: AcceptHopOptions): HopIdentity {
  return new Acceptance(connection, options);
}

class Acceptance implements HopIdentity {
  readonly known: Promise<HopPeer>;
  readonly #connection: Connection;
  readonly #options: AcceptHopOptions;
  readonly #core: HopVerifier;
  #resolve: (peer: HopPeer) => void = () => undefined;
  #reject: (error: XferError) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #isSettled = false;

  constructor(connection: Connection, options: AcceptHopOptions) {
    this.#connection = connection;
    this.#options = options;
    const timeoutMs = options.timeoutMs ?? sessionDefaults.hopProofTimeoutMs;
    this.#core = new HopVerifier({ identity: options.identity, ephemeral: ephemeral(), timeoutMs });
    this.known = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.known.catch(() => undefined);
    connection.onMessage((bytes) => this.#handleMessage(bytes));
    void connection.closed.then(() => this.#forget());
  }

  get isBegun(): boolean {
    return this.#core.isBegun;
  }

  stranger(): HopPeer {
    const verdict = this.#verdictOn(undefined);
    this.#settle(verdict);
    if ('peer' in verdict) return verdict.peer;
    throw verdict.error;
  }

  #handleMessage(bytes: Uint8Array): void {
    // A second proof, or one that comes too late to be one.
    if (this.#isSettled) return;
    this.#core.handleMessage(performance.now(), bytes);
    if (this.isBegun)
      this.#timer ??= setTimeout(() => this.#expire(), this.#core.deadline - performance.now());
    for (let out = this.#core.pollOutput(); out; out = this.#core.pollOutput())
      this.#connection.sendMessage(out);
    this.#look();
  }

  #look(): void {
    const { outcome } = this.#core;
    if (!outcome) return;
    if (outcome.kind === 'done') return this.#settle(this.#verdictOn(outcome.result));
    const { error } = outcome;
    this.#settle({ refused: error.code === 'ERR_XFER_TIMEOUT' ? 'proof-late' : 'proof-wrong', error });
  }

  /** Who was refused meanwhile had time to hear of it. */
  #expire(): void {
    this.#core.handleTime(Math.max(this.#core.deadline, performance.now()));
    this.#look();
    void this.#connection.close();
  }

  #verdictOn(proof: HopProof | undefined): HopVerdict {
    return hopVerdict(proof, { ...this.#options, address: formatAddress(this.#connection.remote) });
  }

  #settle(verdict: HopVerdict): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if ('peer' in verdict) {
      this.#forget();
      return this.#resolve(verdict.peer);
    }
    this.#options.onRefuse?.(verdict.refused);
    this.#reject(verdict.error);
  }

  #forget(): void {
    clearTimeout(this.#timer);
  }
}

const ephemeral = () => Uint8Array.from(randomBytes(32));
