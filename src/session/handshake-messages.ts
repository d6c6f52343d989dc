import { sessionDefaults } from '../config/index.js';
import { codeFromWire, errorTable, XferError, type ErrorCode } from '../errors/index.js';
import { cipher, type Cipher } from '../native/api.js';
import { concat } from './bytes.js';

/** The versions of the handshake that this xfer speaks. */
export const handshakeVersions = Object.freeze({ lowest: 1, highest: 1 });

export const handshakeNonceBytes = 32;

/** How the sides mean to know each other. */
export type HandshakeMode = 'code' | 'known';

/** First byte of a message; the order in which they go, dialer first. */
export const messageType = Object.freeze({
  hello: 1,
  answer: 2,
  confirm: 3,
  confirmBack: 4,
  finish: 5,
  verdict: 6,
  refusal: 0x7f,
});

/** M1. Its layout is frozen: every version reads it. */
export interface DialerHello {
  readonly lowest: number;
  readonly highest: number;
  readonly mode: HandshakeMode;
  /** In the order of preference. */
  readonly ciphers: readonly Cipher[];
  readonly nonce: Uint8Array;
}

/** M2. */
export interface ListenerAnswer {
  readonly version: number;
  readonly cipher: Cipher;
  readonly nonce: Uint8Array;
  /** In code mode, else empty. */
  readonly share: Uint8Array;
}

export function encodeDialerHello(hello: DialerHello): Uint8Array {
  const versions = concat(u16(hello.lowest), u16(hello.highest));
  const mode = hello.mode === 'code' ? 1 : 2;
  return concat(
    Uint8Array.of(messageType.hello, ...magic),
    versions,
    Uint8Array.of(mode, hello.ciphers.length, ...hello.ciphers),
    hello.nonce,
  );
}

/** Throws ERR_XFER_PROTOCOL. Ciphers that we do not know are left out. */
export function decodeDialerHello(message: Uint8Array): DialerHello {
  const view = viewOf(message);
  const head = 11;
  const offers = message.length > head ? view.getUint8(head - 1) : 0;
  const isHello =
    message[0] === messageType.hello &&
    magic.every((byte, i) => message[i + 1] === byte) &&
    offers > 0 &&
    offers <= maxCiphers &&
    message.length === head + offers + handshakeNonceBytes;
  if (!isHello) throw new XferError('ERR_XFER_PROTOCOL', 'the other side sent no hello of xfer');
  const [lowest, highest, mode] = [view.getUint16(5), view.getUint16(7), view.getUint8(9)];
  if (lowest > highest || (mode !== 1 && mode !== 2))
    throw new XferError('ERR_XFER_PROTOCOL', 'the hello of the other side makes no sense');
  return {
    lowest,
    highest,
    mode: mode === 1 ? 'code' : 'known',
    ciphers: [...message.subarray(head, head + offers)].filter(isCipher),
    nonce: new Uint8Array(message.subarray(head + offers)),
  };
}

export function encodeAnswer(answer: ListenerAnswer): Uint8Array {
  const head = concat(Uint8Array.of(messageType.answer), u16(answer.version), Uint8Array.of(answer.cipher));
  return concat(head, answer.nonce, answer.share);
}

/** Throws ERR_XFER_PROTOCOL; ERR_XFER_VERSION where the version is none of ours. */
export function decodeAnswer(message: Uint8Array, shareBytes: number): ListenerAnswer {
  const [, nonce, share] = fields(message, messageType.answer, [3, handshakeNonceBytes, shareBytes]);
  const version = viewOf(message).getUint16(1);
  const chosen = message[3] ?? 0;
  if (version < handshakeVersions.lowest || version > handshakeVersions.highest)
    throw new XferError('ERR_XFER_VERSION', `the other side chose version ${version}, which was not offered`);
  if (!isCipher(chosen)) throw new XferError('ERR_XFER_PROTOCOL', 'the other side chose an unknown cipher');
  return { version, cipher: chosen, nonce: new Uint8Array(nonce), share: new Uint8Array(share) };
}

type Fields<Lengths extends readonly number[]> = { readonly [Index in keyof Lengths]: Uint8Array };

/** The message's parts behind its type, which have exactly these lengths. Throws ERR_XFER_PROTOCOL. */
export function fields<const Lengths extends readonly number[]>(
  message: Uint8Array,
  type: number,
  lengths: Lengths,
): Fields<Lengths> {
  const expected = lengths.reduce((sum, length) => sum + length, 1);
  if (message[0] !== type || message.length !== expected)
    throw new XferError('ERR_XFER_PROTOCOL', 'the other side sent something else than the handshake needs');
  let at = 1;
  return lengths.map((length) => message.subarray(at, (at += length))) as unknown as Fields<Lengths>;
}

export function encodeRefusal(code: ErrorCode): Uint8Array {
  return Uint8Array.of(messageType.refusal, errorTable[code].wire);
}

/** What a refusal says, or undefined where the message is none. Nobody has signed it, so few codes are believed. */
export function decodeRefusal(message: Uint8Array): ErrorCode | undefined {
  if (message[0] !== messageType.refusal || message.length !== 2) return undefined;
  const code = codeFromWire(message[1] ?? 0);
  return plainRefusals.has(code) ? code : 'ERR_XFER_REFUSED';
}

/** The message behind its length, as it goes on the wire. */
export function frame(message: Uint8Array): Uint8Array {
  return concat(u16(message.length), message);
}

/** Cuts what arrives into messages. Holds one message at most; a length is checked before room is made for it. */
export class MessageReader {
  readonly #head: number[] = [];
  #message: Uint8Array | undefined;
  #filled = 0;

  /**
   * Takes from `bytes` up to the end of one message and gives it with what follows, else undefined when all is
   * taken. Throws ERR_XFER_PROTOCOL for a length of 0 or above the limit.
   */
  take(bytes: Uint8Array): { readonly message: Uint8Array; readonly rest: Uint8Array } | undefined {
    let at = 0;
    while (this.#head.length < 2 && at < bytes.length) this.#head.push(bytes[at++] ?? 0);
    if (this.#head.length < 2) return undefined;
    this.#message ??= new Uint8Array(this.#length());
    const part = bytes.subarray(at, at + this.#message.length - this.#filled);
    this.#message.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled < this.#message.length) return undefined;
    const message = this.#message;
    this.#message = undefined;
    this.#filled = 0;
    this.#head.length = 0;
    return { message, rest: bytes.subarray(at + part.length) };
  }

  #length(): number {
    const length = ((this.#head[0] ?? 0) << 8) | (this.#head[1] ?? 0);
    if (length === 0 || length > sessionDefaults.maxHandshakeMessageBytes)
      throw new XferError('ERR_XFER_PROTOCOL', 'the other side does not speak the handshake of xfer');
    return length;
  }
}

/** `xfer` */
const magic = [0x78, 0x66, 0x65, 0x72] as const;
const maxCiphers = 8;

const plainRefusals: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_XFER_VERSION',
  'ERR_XFER_LIMIT',
  'ERR_XFER_TIMEOUT',
  'ERR_XFER_PROTOCOL',
  'ERR_XFER_HANDSHAKE',
  'ERR_XFER_NO_CODE',
  'ERR_XFER_WRONG_CODE',
  'ERR_XFER_CODE_SPENT',
]);

function isCipher(value: number): value is Cipher {
  return (Object.values(cipher) as number[]).includes(value);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
