import { asXferError, XferError } from '../errors/index.js';
import { concat, equalBytes, lvCat, utf8 } from './bytes.js';
import { noiseMessageBytes } from './handshake-sizes.js';
import { decodeHopClaim, encodeHopClaim, type HopClaim } from './hop-claim.js';
import type { Identity } from './identity.js';
import { NoiseHandshake } from './noise.js';

/** First byte of a link message of a hop proof: what it is, and in which version. */
export const hopProofKind = 0x11;

/** What a peer has proved to the relay that it dialled, and what it says with it. */
export interface HopProof {
  /** Its X25519 key; undefined where it did not want to show one. */
  readonly key: Uint8Array | undefined;
  readonly host: string;
  readonly token: string;
}

export type HopOutcome<Result> =
  { readonly kind: 'done'; readonly result: Result } | { readonly kind: 'failed'; readonly error: XferError };

interface CommonOptions {
  readonly identity: Identity;
  /** 32 random bytes, used once. */
  readonly ephemeral: Uint8Array;
}

export interface HopProverOptions extends CommonOptions {
  readonly claim: HopClaim;
  /** Keys of which the relay must hold one, looked at before anything is told. Undefined: any. */
  readonly expected?: readonly Uint8Array[] | undefined;
  /** On the clock of `handleTime`, in ms. */
  readonly deadline: number;
}

export interface HopVerifierOptions extends CommonOptions {
  /** From the first message of a proof to its last. */
  readonly timeoutMs: number;
}

/**
 * One side of a proof on stream 0 of a link: Noise XX in three messages. Feed it with `handle*`; after each call send
 * what `pollOutput` gives until it gives nothing, then look at `outcome`. Once there is one nothing changes. Messages of
 * another kind are none of its business.
 */
abstract class HopProofSide<Result> {
  readonly #output: Uint8Array[] = [];
  #outcome: HopOutcome<Result> | undefined;

  get outcome(): HopOutcome<Result> | undefined {
    return this.#outcome;
  }

  /** The next link message for the other side. */
  pollOutput(): Uint8Array | undefined {
    return this.#output.shift();
  }

  fail(error: XferError): void {
    this.#outcome ??= { kind: 'failed', error };
  }

  protected send(step: number, noise: Uint8Array): void {
    this.#output.push(concat(Uint8Array.of(hopProofKind, step), noise));
  }

  protected succeed(result: Result): void {
    this.#outcome ??= { kind: 'done', result };
  }

  /** Ends the proof with what `work` throws. */
  protected guarded(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.fail(asXferError(thrown));
    }
  }
}

/** The dialer. Done when the third message is out: the result is the relay's key. */
export class HopProver extends HopProofSide<Uint8Array> {
  readonly #options: HopProverOptions;
  readonly #noise: NoiseHandshake;

  constructor(options: HopProverOptions) {
    super();
    this.#options = options;
    const { identity, ephemeral } = options;
    this.#noise = new NoiseHandshake({ initiator: true, identity, ephemeral, prologue: hopPrologue });
    this.send(1, this.#noise.write());
  }

  handleMessage(message: Uint8Array): void {
    if (this.outcome || message[0] !== hopProofKind) return;
    this.guarded(() => {
      this.#noise.read(noiseOf(message, 2, noiseMessageBytes.second, noiseMessageBytes.second));
      const key = this.#noise.remoteKey ?? new Uint8Array();
      const { expected, claim } = this.#options;
      // Before the third message, which would show our own identity and token to whoever this is.
      if (expected && !expected.some((other) => equalBytes(other, key)))
        throw new XferError('ERR_XFER_KEY_CHANGED', 'it has another key than the one that is pinned');
      this.send(3, this.#noise.write(encodeHopClaim(claim)));
      this.succeed(key);
    });
  }

  handleTime(now: number): void {
    if (now < this.#options.deadline) return;
    this.fail(
      new XferError('ERR_XFER_TIMEOUT', 'it did not answer the proof of who we are: it may be no relay'),
    );
  }
}

/** The relay. */
export class HopVerifier extends HopProofSide<HopProof> {
  readonly #options: HopVerifierOptions;
  #noise: NoiseHandshake | undefined;
  #deadline = Infinity;

  constructor(options: HopVerifierOptions) {
    super();
    this.#options = options;
  }

  /** A first message has come, right or wrong. */
  get isBegun(): boolean {
    return this.#deadline < Infinity;
  }

  /** By when the proof must be over; infinite before it has begun. */
  get deadline(): number {
    return this.#deadline;
  }

  handleMessage(now: number, message: Uint8Array): void {
    if (this.outcome || message[0] !== hopProofKind) return;
    if (!this.isBegun) this.#deadline = now + this.#options.timeoutMs;
    if (now >= this.#deadline) return this.handleTime(now);
    this.guarded(() => (this.#noise ? this.#handleLast(this.#noise, message) : this.#handleFirst(message)));
  }

  handleTime(now: number): void {
    if (now < this.#deadline) return;
    this.fail(new XferError('ERR_XFER_TIMEOUT', 'the peer did not finish its proof in time'));
  }

  #handleFirst(message: Uint8Array): void {
    const { identity, ephemeral } = this.#options;
    const first = noiseOf(message, 1, noiseMessageBytes.first, noiseMessageBytes.first);
    this.#noise = new NoiseHandshake({ initiator: false, identity, ephemeral, prologue: hopPrologue });
    this.#noise.read(first);
    this.send(2, this.#noise.write());
  }

  #handleLast(noise: NoiseHandshake, message: Uint8Array): void {
    const { host, token, isAnonymous } = decodeHopClaim(
      noise.read(noiseOf(message, 3, noiseMessageBytes.third, message.length)),
    );
    this.succeed({ key: isAnonymous ? undefined : noise.remoteKey, host, token });
  }
}

/** What both sides know before the first message. */
const hopPrologue = lvCat(utf8('xfer 1 hop'), Uint8Array.of(hopProofKind));

/** What is behind kind and step, if they and the length are those that must come now. */
function noiseOf(message: Uint8Array, step: number, least: number, most: number): Uint8Array {
  const noise = message.subarray(2);
  if (message[1] !== step || noise.length < least || noise.length > most)
    throw new XferError('ERR_XFER_HANDSHAKE', 'the other side sent something else than the proof needs');
  return noise;
}
