import NoiseState from 'noise-handshake';
import CipherState from 'noise-handshake/cipher.js';
import { generateKeyPair } from 'noise-handshake/dh.js';
import { XferError } from '../errors/index.js';
import type { Identity } from './identity.js';

export interface NoiseOptions {
  readonly initiator: boolean;
  readonly identity: Identity;
  /** 32 random bytes, used once. */
  readonly ephemeral: Uint8Array;
  /** What both sides have seen before. */
  readonly prologue: Uint8Array;
  /** 32 bytes: with it the pattern is XXpsk0, else XX. */
  readonly psk?: Uint8Array;
}

export interface NoiseSplit {
  /** The keys of initiator to responder and back, 32 bytes each. */
  readonly initiatorKey: Uint8Array;
  readonly responderKey: Uint8Array;
  /** 64 bytes, the same on both sides and never the same twice. */
  readonly hash: Uint8Array;
}

/** Noise_XX or Noise_XXpsk0 with 25519, ChaChaPoly and BLAKE2b. Its errors are ERR_XFER_HANDSHAKE. */
export class NoiseHandshake {
  readonly #state: NoiseState;
  readonly #initiator: boolean;

  constructor({ initiator, identity, ephemeral, prologue, psk }: NoiseOptions) {
    const keys = { publicKey: identity.publicKey.slice(), secretKey: identity.secretKey.slice() };
    this.#initiator = initiator;
    this.#state = new NoiseState(psk ? 'XXpsk0' : 'XX', initiator, keys, psk ? { psk } : {});
    this.#state.e = generateKeyPair(ephemeral.slice());
    this.#state.initialise(prologue);
  }

  write(payload: Uint8Array = new Uint8Array()): Uint8Array {
    return plain(guarded(() => this.#state.send(payload)));
  }

  /** The payload. All-zero results of Diffie-Hellman are refused like everything else that does not fit. */
  read(message: Uint8Array): Uint8Array {
    // A copy, since the library keeps parts of the message and wipes them.
    return plain(guarded(() => this.#state.recv(message.slice())));
  }

  /** The other side's static key, from the message on that brought it. */
  get remoteKey(): Uint8Array | undefined {
    return this.#state.rs ? plain(this.#state.rs) : undefined;
  }

  /** After the third message. */
  split(): NoiseSplit {
    const { tx, rx, hash } = this.#state;
    if (!tx || !rx || !hash) throw new XferError('ERR_XFER_INTERNAL', 'the handshake is not over');
    const [initiatorKey, responderKey] = this.#initiator ? [tx, rx] : [rx, tx];
    return { initiatorKey: plain(initiatorKey), responderKey: plain(responderKey), hash: plain(hash) };
  }
}

/** Seals one message under a key that seals no other. */
export function sealOnce(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return plain(new CipherState(key).encrypt(plaintext));
}

/** Throws ERR_XFER_HANDSHAKE where it was not sealed with `key`. */
export function openOnce(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  return plain(guarded(() => new CipherState(key).decrypt(sealed)));
}

function guarded(work: () => Uint8Array): Uint8Array {
  try {
    return work();
  } catch (cause) {
    throw new XferError('ERR_XFER_HANDSHAKE', 'a handshake message does not verify', { cause });
  }
}

function plain(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
