import { asXferError, XferError, type ErrorCode } from '../errors/index.js';
import type { Cipher } from '../native/api.js';
import { concat, lvCat, utf8 } from './bytes.js';
import type { CpaceKey, CpaceOptions, CpaceRun } from './cpace.js';
import { encodeRefusal, frame, MessageReader } from './handshake-messages.js';
import { deriveKey, digest } from './kdf.js';
import type { Identity } from './identity.js';
import type { SessionRole } from './keys.js';
import type { NoiseSplit } from './noise.js';

/** What a handshake gives; the same secret and transcript on both sides. */
export interface HandshakeKeys {
  /** 32 bytes, from which all keys of the session derive. Never stored. */
  readonly secret: Uint8Array;
  /** The Noise handshake hash, 64 bytes: all that both sides said. */
  readonly transcript: Uint8Array;
  /** The other side's X25519 key, which it has proved to hold. */
  readonly peerKey: Uint8Array;
  /** Whether a code joined the two, rather than a pinned key alone. */
  readonly paired: boolean;
  readonly cipher: Cipher;
  readonly role: SessionRole;
  /** What came behind the handshake's last message. */
  readonly leftover: Uint8Array;
}

export type ProvenKeys = Omit<HandshakeKeys, 'leftover'>;

export type HandshakeOutcome =
  | { readonly kind: 'done'; readonly keys: HandshakeKeys }
  | { readonly kind: 'failed'; readonly error: XferError };

/** Lets the group arithmetic be loaded only where a code is used. */
export type StartCpace = (options: CpaceOptions) => CpaceRun;

export interface CoreOptions {
  readonly identity: Identity;
  /** In the order of preference. */
  readonly ciphers: readonly Cipher[];
  /** Random bytes that nobody else knows. */
  random(bytes: number): Uint8Array;
  /** On the clock of `handleTime`, in ms. */
  readonly deadline: number;
}

/**
 * One side of the handshake, without sockets, clocks or promises. Feed it with `handle*`; after each call send
 * what `pollOutput` gives until it gives nothing, then look at `outcome`. Once there is an outcome nothing changes.
 */
export abstract class HandshakeCore {
  readonly #reader = new MessageReader();
  readonly #output: Uint8Array[] = [];
  /** What came behind the message that is handled now. */
  #rest = nothing;
  readonly #deadline: number;
  #outcome: HandshakeOutcome | undefined;

  protected constructor(deadline: number) {
    this.#deadline = deadline;
  }

  get outcome(): HandshakeOutcome | undefined {
    return this.#outcome;
  }

  /** The bytes are read before this returns; what is kept of them is copied. */
  handleData(bytes: Uint8Array): void {
    this.#rest = bytes;
    this.#handleRest();
    // What succeeds later finds nothing behind the last message, and no memory that is not there any more.
    this.#rest = nothing;
  }

  /** The other side has ended or reset the stream. */
  handleEnd(): void {
    this.fail(new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left during the handshake'));
  }

  handleTime(now: number): void {
    if (now < this.#deadline) return;
    this.fail(
      new XferError('ERR_XFER_TIMEOUT', 'the other side did not finish the handshake in time'),
      'ERR_XFER_TIMEOUT',
    );
  }

  /** Ends the handshake with `error`; with `tell` the other side hears that code. */
  fail(error: XferError, tell?: ErrorCode): void {
    if (this.#outcome) return;
    if (tell) this.send(encodeRefusal(tell));
    this.#outcome = { kind: 'failed', error };
  }

  /** The next message for the other side, framed. */
  pollOutput(): Uint8Array | undefined {
    return this.#output.shift();
  }

  #handleRest(): void {
    while (this.#rest.length > 0 && !this.#outcome) {
      if (this.mustWait()) return this.fail(breach(), 'ERR_XFER_PROTOCOL');
      const taken = this.guarded(() => this.#reader.take(this.#rest));
      if (!taken) return;
      this.#rest = taken.rest;
      this.guarded(() => this.handleMessage(taken.message));
    }
  }

  /** What it throws ends the handshake. */
  protected abstract handleMessage(message: Uint8Array): void;

  /** Whether the other side has nothing to say now. */
  protected abstract mustWait(): boolean;

  protected succeed(keys: ProvenKeys): void {
    if (!this.#outcome)
      this.#outcome = { kind: 'done', keys: { ...keys, leftover: new Uint8Array(this.#rest) } };
  }

  protected send(message: Uint8Array): void {
    this.#output.push(frame(message));
  }

  /** Ends the handshake with what `work` throws, and tells the other side as little as it needs. */
  protected guarded<Result>(work: () => Result): Result | undefined {
    try {
      return work();
    } catch (thrown) {
      const error = asXferError(thrown);
      this.fail(error, toldCodes[error.code] ?? 'ERR_XFER_REFUSED');
      return undefined;
    }
  }
}

/** What both sides know before the first message of Noise. */
export interface Opening {
  /** M1 and M2 as they were on the wire, without their lengths. */
  readonly hello: Uint8Array;
  readonly answer: Uint8Array;
}

/** The code's part of the transcript: the dialer's share and both confirmations (the listener's share is in M2). */
export function prologueOf({ hello, answer }: Opening, ...cpace: readonly Uint8Array[]): Uint8Array {
  return lvCat(utf8('xfer handshake'), hello, answer, ...cpace);
}

/** What CPace is run over: who, for what, in which version, and both nonces. */
export function cpaceContext(
  secret: string,
  version: number,
  dialerNonce: Uint8Array,
  listenerNonce: Uint8Array,
) {
  return {
    password: utf8(secret),
    channel: lvCat(
      utf8('xfer pairing'),
      Uint8Array.of(version >> 8, version & 0xff),
      dialerName,
      listenerName,
    ),
    sid: digest(concat(dialerNonce, listenerNonce)),
    initiatorData: dialerName,
    responderData: listenerName,
  };
}

export function pskOf(key: CpaceKey, sid: Uint8Array): Uint8Array {
  return deriveKey(key.isk, sid, 'xfer 1 psk');
}

/** The session's secret: both directions' keys in a fixed order, bound to all that was said. */
export function sessionSecret(split: NoiseSplit): Uint8Array {
  return deriveKey(concat(split.initiatorKey, split.responderKey), split.hash, 'xfer 1 session');
}

/** Seals the listener's verdict, and nothing else. */
export function verdictKey(secret: Uint8Array, transcript: Uint8Array): Uint8Array {
  return deriveKey(secret, transcript, 'xfer 1 verdict');
}

function breach(): XferError {
  return new XferError('ERR_XFER_PROTOCOL', 'the other side does not wait for its answer');
}

const nothing: Uint8Array = new Uint8Array();
const dialerName = utf8('dialer');
const listenerName = utf8('listener');

/** Errors that a stranger may know of; every other one reads as a plain refusal. */
const toldCodes: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  ERR_XFER_PROTOCOL: 'ERR_XFER_PROTOCOL',
  ERR_XFER_VERSION: 'ERR_XFER_VERSION',
  ERR_XFER_HANDSHAKE: 'ERR_XFER_HANDSHAKE',
  ERR_XFER_WRONG_CODE: 'ERR_XFER_WRONG_CODE',
  ERR_XFER_NO_CODE: 'ERR_XFER_NO_CODE',
};
