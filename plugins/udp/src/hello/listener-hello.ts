import type { SocketAddress } from 'xfer/plugin';
import type { UdpConfig } from '../config.js';
import type { PeerParameters } from '../core/contract.js';
import {
  encodeAccept,
  encodeRefused,
  encodeRetry,
  encodeUntaggedAccept,
  encodeVersions,
} from './answer-packets.js';
import { AnsweredDialers } from './answered-dialers.js';
import { packetKeys, type ConnectionKeys } from './connection-keys.js';
import { CookieJar } from './cookie-jar.js';
import type { HelloCrypto } from './hello-crypto.js';
import { idBytes, protocolVersion } from './hello-layout.js';
import { parseHello, parseHelloHead, type Hello } from './hello-packet.js';

export interface ListenerHelloOptions {
  readonly config: Pick<UdpConfig, 'cookieLifetimeMs' | 'maxAnsweredDialers'>;
  readonly crypto: HelloCrypto;
  /** What ACCEPT tells every dialer. */
  readonly parameters: PeerParameters;
  readonly now: number;
}

/** What a datagram brought; undefined: nothing, and nothing is to be said. */
export type ListenerOutcome =
  | { readonly kind: 'answer'; readonly bytes: Uint8Array }
  | { readonly kind: 'dialer'; readonly dialer: ProvenDialer };

/** It is at its address, and nothing was made for it yet: `accept` or `refuse` it at once. */
export interface ProvenDialer {
  readonly from: SocketAddress;
  /** A copy of its HELLO, and views of that. */
  readonly bytes: Uint8Array;
  readonly hello: Hello;
}

export interface AcceptedDialer {
  /** ACCEPT, to be sent once; repeated HELLOs get it from `handleDatagram`. */
  readonly bytes: Uint8Array;
  readonly keys: ConnectionKeys;
  readonly peer: PeerParameters;
  /** The first bytes of its control: `controlReceivedBytes` of the connection is how many. */
  readonly control: Uint8Array;
}

/**
 * A listener's side of the hellos: sans-IO, for all its dialers. Nothing is remembered of a dialer before its cookie has
 * come back, and no answer is longer than what it answers. Datagrams that are not hellos are nothing to it.
 */
export class ListenerHello {
  readonly #crypto: HelloCrypto;
  readonly #parameters: PeerParameters;
  readonly #cookies: CookieJar;
  readonly #answered: AnsweredDialers;

  constructor({ config, crypto, parameters, now }: ListenerHelloOptions) {
    this.#crypto = crypto;
    this.#parameters = parameters;
    this.#cookies = new CookieJar(crypto, config.cookieLifetimeMs, now);
    this.#answered = new AnsweredDialers(config.cookieLifetimeMs, config.maxAnsweredDialers);
  }

  /** Dialers that something is remembered of. */
  get remembered(): number {
    return this.#answered.size;
  }

  handleDatagram(now: number, from: SocketAddress, bytes: Uint8Array): ListenerOutcome | undefined {
    const head = parseHelloHead(bytes);
    if (!head) return undefined;
    if (head.version !== protocolVersion)
      return answer(encodeVersions({ dialerId: head.dialerId, versions: [protocolVersion] }));
    const hello = parseHello(bytes);
    if (!hello) return undefined;
    if (!this.#cookies.verify(now, from, hello, hello.cookie))
      return answer(encodeRetry({ dialerId: hello.dialerId, cookie: this.#cookies.make(now, from, hello) }));
    const earlier = this.#answered.find(now, dialerName(from, hello), this.#contentOf(hello));
    if (earlier === 'full') return undefined;
    if (earlier) return earlier.length > 0 ? answer(earlier) : undefined;
    const copy = new Uint8Array(bytes);
    const own = parseHello(copy);
    return own && { kind: 'dialer', dialer: { from, bytes: copy, hello: own } };
  }

  /** Keys and ACCEPT for it; undefined where its public key is none that keys can be agreed with: it gets no answer. */
  accept(now: number, { from, bytes, hello }: ProvenDialer): AcceptedDialer | undefined {
    const pair = this.#crypto.keyPair();
    const secret = pair.agree(hello.publicKey);
    if (!secret) {
      // The next one like it costs no keys.
      this.#answered.add(now, dialerName(from, hello), this.#contentOf(hello), noAnswer);
      return undefined;
    }
    const localId = this.#crypto.randomBytes(idBytes);
    const untagged = encodeUntaggedAccept({
      dialerId: hello.dialerId,
      version: protocolVersion,
      listenerId: localId,
      publicKey: pair.publicKey,
      parameters: this.#parameters,
    });
    const { dialer: receiveKey, listener: sendKey } = packetKeys(this.#crypto, secret, bytes, untagged);
    const accept = encodeAccept(untagged, this.#crypto.sipHash(sendKey, untagged));
    this.#answered.add(now, dialerName(from, hello), this.#contentOf(hello), accept);
    const keys = { localId, remoteId: hello.dialerId, sendKey, receiveKey };
    return { bytes: accept, keys, peer: hello.parameters, control: hello.control };
  }

  /** REFUSED with a code of `refusalCode`. Nothing is remembered: a dialer that asks again is asked about again. */
  refuse({ hello }: ProvenDialer, code: number): Uint8Array {
    return encodeRefused({ dialerId: hello.dialerId, code });
  }

  /** All that may differ between one dialer's HELLOs but the cookie, of which it may have got several. */
  #contentOf({ parameters, control }: Hello): string {
    const { maxDatagramBytes, receiveBufferBytes, creditBytes } = parameters;
    const numbers = Float64Array.of(maxDatagramBytes, receiveBufferBytes, creditBytes);
    return hex(this.#crypto.sha256(new Uint8Array(numbers.buffer), control));
  }
}

const noAnswer = new Uint8Array();
const answer = (bytes: Uint8Array): ListenerOutcome => ({ kind: 'answer', bytes });

function dialerName(from: SocketAddress, { dialerId, publicKey }: Hello): string {
  return `${from.host} ${from.port} ${hex(dialerId)} ${hex(publicKey)}`;
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
