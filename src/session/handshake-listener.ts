import { errorTable, XferError } from '../errors/index.js';
import { cipher, type Cipher } from '../native/api.js';
import { concat, equalBytes } from './bytes.js';
import type { CpaceRun } from './cpace.js';
import {
  cpaceContext,
  HandshakeCore,
  prologueOf,
  pskOf,
  sessionSecret,
  verdictKey,
  type CoreOptions,
  type ProvenKeys,
  type StartCpace,
} from './handshake-core.js';
import {
  decodeDialerHello,
  decodeRefusal,
  encodeAnswer,
  fields,
  handshakeNonceBytes,
  handshakeVersions,
  messageType,
  type DialerHello,
} from './handshake-messages.js';
import {
  cpaceConfirmationBytes,
  cpaceScalarBytes,
  cpaceShareBytes,
  noiseMessageBytes,
} from './handshake-sizes.js';
import { NoiseHandshake, sealOnce } from './noise.js';

export interface ListenerOptions extends CoreOptions {
  /** Whether dialers may come without a code. False where the user gave the code himself: then it is always checked. */
  readonly allowKnown: boolean;
}

/** What the core needs to know before it goes on; the answer is `handleCode` or `handleKnown`. */
export type Question =
  | { readonly kind: 'code' }
  /** Asked only of a key that its owner has proved to hold. */
  | { readonly kind: 'known'; readonly key: Uint8Array };

type Step = 'hello' | 'confirm' | 'finish';

/** The side that took the stream. It answers a right confirmation only, and shows its identity behind that. */
export class ListenerCore extends HandshakeCore {
  readonly #options: ListenerOptions;
  #step: Step = 'hello';
  #question: Question | undefined;
  #hello: { readonly read: DialerHello; readonly bytes: Uint8Array; readonly cipher: Cipher } | undefined;
  #answer: Uint8Array = new Uint8Array();
  #run: { readonly cpace: CpaceRun; readonly sid: Uint8Array } | undefined;
  #noise: NoiseHandshake | undefined;
  #keys: ProvenKeys | undefined;

  constructor(options: ListenerOptions) {
    super(options.deadline);
    this.#options = options;
  }

  /** While there is a question the dialer has to wait, so anything that it sends is a breach. */
  get question(): Question | undefined {
    return this.outcome ? undefined : this.#question;
  }

  /** The code's secret, now that it is this dialer's turn. */
  handleCode(secret: string, startCpace: StartCpace): void {
    if (!this.#take('code')) return;
    this.guarded(() => {
      const hello = this.#chosen();
      const nonce = this.#options.random(handshakeNonceBytes);
      const context = cpaceContext(secret, handshakeVersions.highest, hello.read.nonce, nonce);
      const random = this.#options.random(cpaceScalarBytes);
      const cpace = startCpace({ ...context, role: 'responder', random });
      this.#run = { cpace, sid: context.sid };
      this.#sendAnswer(nonce, cpace.share);
    });
  }

  handleKnown(isKnown: boolean): void {
    const keys = this.#keys;
    if (!this.#take('known') || !keys) return;
    if (isKnown) return this.#welcome(keys);
    this.#sendVerdict(keys, errorTable.ERR_XFER_UNKNOWN_PEER.wire);
    this.fail(new XferError('ERR_XFER_UNKNOWN_PEER', 'a peer without a code came whose key is not known'));
  }

  protected override mustWait(): boolean {
    return this.#question !== undefined;
  }

  protected override handleMessage(message: Uint8Array): void {
    if (decodeRefusal(message)) {
      this.fail(new XferError('ERR_XFER_HANDSHAKE', 'the other side broke the handshake off'));
      return;
    }
    switch (this.#step) {
      case 'hello':
        return this.#handleHello(message);
      case 'confirm':
        return this.#handleConfirm(message);
      case 'finish':
        return this.#handleFinish(message);
    }
  }

  #handleHello(message: Uint8Array): void {
    const read = decodeDialerHello(message);
    if (read.lowest > handshakeVersions.highest || read.highest < handshakeVersions.lowest)
      throw new XferError(
        'ERR_XFER_VERSION',
        `the other side speaks versions ${read.lowest} to ${read.highest}`,
      );
    const chosen = chooseCipher(this.#options.ciphers, read.ciphers);
    this.#hello = { read, bytes: message, cipher: chosen };
    if (read.mode === 'code') this.#question = { kind: 'code' };
    else if (!this.#options.allowKnown)
      throw new XferError('ERR_XFER_NO_CODE', 'a peer came without the code');
    else this.#sendAnswer(this.#options.random(handshakeNonceBytes), new Uint8Array());
  }

  #handleConfirm(message: Uint8Array): void {
    const run = this.#run;
    const [shareBytes, tagBytes] = run ? [cpaceShareBytes, cpaceConfirmationBytes] : [0, 0];
    const noiseBytes = run ? noiseMessageBytes.firstWithPsk : noiseMessageBytes.first;
    const [share, tag, first] = fields(message, messageType.confirm, [shareBytes, tagBytes, noiseBytes]);
    const { identity, random } = this.#options;
    const opening = { hello: this.#chosen().bytes, answer: this.#answer };
    const noise = { initiator: false, identity, ephemeral: random(32) };
    let back: Uint8Array = new Uint8Array();
    if (run) {
      const key = run.cpace.finish(share);
      if (!equalBytes(tag, key.confirmation('initiator')))
        throw new XferError('ERR_XFER_WRONG_CODE', 'the other side came with a wrong code');
      back = key.confirmation('responder');
      this.#noise = new NoiseHandshake({
        ...noise,
        prologue: prologueOf(opening, share, tag, back),
        psk: pskOf(key, run.sid),
      });
    } else {
      this.#noise = new NoiseHandshake({ ...noise, prologue: prologueOf(opening) });
    }
    this.#noise.read(first);
    this.send(concat(Uint8Array.of(messageType.confirmBack), back, this.#noise.write()));
    this.#step = 'finish';
  }

  #handleFinish(message: Uint8Array): void {
    const noise = this.#noise;
    const [third] = fields(message, messageType.finish, [noiseMessageBytes.third]);
    if (!noise) throw new XferError('ERR_XFER_INTERNAL', 'Noise has not begun');
    noise.read(third);
    const split = noise.split();
    const peerKey = noise.remoteKey ?? new Uint8Array();
    const keys = {
      secret: sessionSecret(split),
      transcript: split.hash,
      peerKey,
      paired: this.#run !== undefined,
      cipher: this.#chosen().cipher,
      role: 'listener',
    } as const;
    if (this.#run) return this.#welcome(keys);
    this.#keys = keys;
    this.#question = { kind: 'known', key: peerKey };
  }

  #sendAnswer(nonce: Uint8Array, share: Uint8Array): void {
    const { highest: version } = handshakeVersions;
    this.#answer = encodeAnswer({ version, cipher: this.#chosen().cipher, nonce, share });
    this.send(this.#answer);
    this.#step = 'confirm';
  }

  #welcome(keys: ProvenKeys): void {
    this.#sendVerdict(keys, 0);
    this.succeed(keys);
  }

  /** Sealed, so that only who holds the key that was judged learns how. */
  #sendVerdict(keys: ProvenKeys, verdict: number): void {
    const sealed = sealOnce(verdictKey(keys.secret, keys.transcript), Uint8Array.of(verdict));
    this.send(concat(Uint8Array.of(messageType.verdict), sealed));
  }

  /** Clears the question if it is open and of this kind. */
  #take(kind: Question['kind']): boolean {
    if (this.question?.kind !== kind) return false;
    this.#question = undefined;
    return true;
  }

  #chosen(): { readonly read: DialerHello; readonly bytes: Uint8Array; readonly cipher: Cipher } {
    if (!this.#hello) throw new XferError('ERR_XFER_INTERNAL', 'no hello came');
    return this.#hello;
  }
}

/** Our favourite where both sides agree on it; else the one that is fast without help of the hardware. */
export function chooseCipher(own: readonly Cipher[], offered: readonly Cipher[]): Cipher {
  const common = own.filter((candidate) => offered.includes(candidate));
  const [first] = common;
  if (first === undefined) throw new XferError('ERR_XFER_VERSION', 'the two sides have no cipher in common');
  if (own[0] === offered[0]) return first;
  return common.includes(cipher.chacha20poly1305) ? cipher.chacha20poly1305 : first;
}
