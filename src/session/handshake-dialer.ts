import { codeFromWire, XferError, type ErrorCode } from '../errors/index.js';
import type { Cipher } from '../native/api.js';
import { concat, equalBytes } from './bytes.js';
import {
  cpaceContext,
  HandshakeCore,
  prologueOf,
  pskOf,
  sessionSecret,
  verdictKey,
  type CoreOptions,
  type Opening,
  type ProvenKeys,
  type StartCpace,
} from './handshake-core.js';
import {
  decodeAnswer,
  decodeRefusal,
  encodeDialerHello,
  fields,
  handshakeNonceBytes,
  handshakeVersions,
  messageType,
} from './handshake-messages.js';
import {
  cpaceConfirmationBytes,
  cpaceScalarBytes,
  cpaceShareBytes,
  noiseMessageBytes,
  verdictBytes,
} from './handshake-sizes.js';
import { NoiseHandshake, openOnce } from './noise.js';

export interface DialerOptions extends CoreOptions {
  /** With a code: its secret, and what runs CPace. Without one the other side must be one of `expected`. */
  readonly code?: { readonly secret: string; readonly startCpace: StartCpace };
  /** Keys of which the other side must hold one. Without a code an empty list fits nobody. */
  readonly expected?: readonly Uint8Array[];
}

type Step = 'answer' | 'confirmBack' | 'verdict';

/** The side that opened the stream: it speaks first and proves first that it knows the code. */
export class DialerCore extends HandshakeCore {
  readonly #options: DialerOptions;
  readonly #hello: Uint8Array;
  readonly #nonce: Uint8Array;
  #step: Step = 'answer';
  #noise: NoiseHandshake | undefined;
  #expectedTag: Uint8Array = new Uint8Array();
  #cipher: Cipher | undefined;
  #keys: ProvenKeys | undefined;

  constructor(options: DialerOptions) {
    super(options.deadline);
    this.#options = options;
    this.#nonce = options.random(handshakeNonceBytes);
    this.#hello = encodeDialerHello({
      ...handshakeVersions,
      mode: options.code ? 'code' : 'known',
      ciphers: options.ciphers,
      nonce: this.#nonce,
    });
    this.send(this.#hello);
  }

  protected override mustWait(): boolean {
    return false;
  }

  protected override handleMessage(message: Uint8Array): void {
    const refusal = decodeRefusal(message);
    if (refusal) return this.#refused(refusal);
    switch (this.#step) {
      case 'answer':
        return this.#handleAnswer(message);
      case 'confirmBack':
        return this.#handleConfirmBack(message);
      case 'verdict':
        return this.#handleVerdict(message);
    }
  }

  #handleAnswer(message: Uint8Array): void {
    const { code, ciphers, identity, random } = this.#options;
    const answer = decodeAnswer(message, code ? cpaceShareBytes : 0);
    if (!ciphers.includes(answer.cipher))
      throw new XferError('ERR_XFER_PROTOCOL', 'the other side chose a cipher that was not offered');
    this.#cipher = answer.cipher;
    const opening: Opening = { hello: this.#hello, answer: message };
    const noise = { initiator: true, identity, ephemeral: random(32) };
    let proof: Uint8Array = new Uint8Array();
    if (code) {
      const context = cpaceContext(code.secret, answer.version, this.#nonce, answer.nonce);
      const run = code.startCpace({ ...context, role: 'initiator', random: random(cpaceScalarBytes) });
      const key = run.finish(answer.share);
      const tag = key.confirmation('initiator');
      this.#expectedTag = key.confirmation('responder');
      const prologue = prologueOf(opening, run.share, tag, this.#expectedTag);
      this.#noise = new NoiseHandshake({ ...noise, prologue, psk: pskOf(key, context.sid) });
      proof = concat(run.share, tag);
    } else {
      this.#noise = new NoiseHandshake({ ...noise, prologue: prologueOf(opening) });
    }
    this.send(concat(Uint8Array.of(messageType.confirm), proof, this.#noise.write()));
    this.#step = 'confirmBack';
  }

  #handleConfirmBack(message: Uint8Array): void {
    const { code, expected } = this.#options;
    const tagBytes = code ? cpaceConfirmationBytes : 0;
    const [tag, noise] = fields(message, messageType.confirmBack, [tagBytes, noiseMessageBytes.second]);
    if (!equalBytes(tag, this.#expectedTag))
      throw new XferError('ERR_XFER_HANDSHAKE', 'the other side did not prove that it knows the code');
    const state = this.#state();
    state.read(noise);
    const peerKey = state.remoteKey ?? new Uint8Array();
    // Before the third message, which would show our own identity to whoever this is.
    if ((expected ?? !code) && !expected?.some((key) => equalBytes(key, peerKey)))
      throw new XferError(
        'ERR_XFER_KEY_CHANGED',
        'the other side has another key than the one that is pinned',
      );
    this.send(concat(Uint8Array.of(messageType.finish), state.write()));
    const split = state.split();
    this.#keys = {
      secret: sessionSecret(split),
      transcript: split.hash,
      peerKey,
      paired: code !== undefined,
      cipher: this.#chosen(),
      role: 'dialer',
    };
    this.#step = 'verdict';
  }

  #handleVerdict(message: Uint8Array): void {
    const keys = this.#keys;
    if (!keys) throw new XferError('ERR_XFER_INTERNAL', 'the verdict came before the keys');
    const [sealed] = fields(message, messageType.verdict, [verdictBytes]);
    const verdict = openOnce(verdictKey(keys.secret, keys.transcript), sealed)[0] ?? 0;
    if (verdict === 0) return this.succeed(keys);
    const code = codeFromWire(verdict);
    this.fail(
      new XferError(code === 'ERR_XFER_UNKNOWN_PEER' ? code : 'ERR_XFER_REFUSED', refusalWords(code)),
    );
  }

  #refused(code: ErrorCode): void {
    const believed =
      code === 'ERR_XFER_WRONG_CODE' && this.#step !== 'confirmBack' ? 'ERR_XFER_REFUSED' : code;
    this.fail(new XferError(believed, refusalWords(believed)));
  }

  #state(): NoiseHandshake {
    if (!this.#noise) throw new XferError('ERR_XFER_INTERNAL', 'Noise has not begun');
    return this.#noise;
  }

  #chosen(): Cipher {
    if (this.#cipher === undefined) throw new XferError('ERR_XFER_INTERNAL', 'no cipher was chosen');
    return this.#cipher;
  }
}

function refusalWords(code: ErrorCode): string {
  return words[code] ?? 'the other side refused';
}

const words: Readonly<Partial<Record<ErrorCode, string>>> = {
  ERR_XFER_VERSION: 'the other side speaks no version of the handshake that this xfer does',
  ERR_XFER_LIMIT: 'the other side has too many handshakes under way',
  ERR_XFER_TIMEOUT: 'the other side waited too long for us',
  ERR_XFER_PROTOCOL: 'the other side did not understand us',
  ERR_XFER_HANDSHAKE: 'the other side says that what it got does not verify',
  ERR_XFER_NO_CODE: 'the other side asks for a code',
  ERR_XFER_WRONG_CODE: 'the code is wrong',
  ERR_XFER_CODE_SPENT: 'the code is spent',
  ERR_XFER_UNKNOWN_PEER: 'the other side does not know this peer',
};
