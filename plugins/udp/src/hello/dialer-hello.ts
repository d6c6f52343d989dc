import type { UdpConfig } from '../config.js';
import type { PeerParameters } from '../core/contract.js';
import {
  parseAccept,
  parseRefused,
  parseRetry,
  parseVersions,
  type ReceivedAccept,
  type Retry,
} from './answer-packets.js';
import { packetKeys, type ConnectionKeys } from './connection-keys.js';
import type { HelloCrypto, KeyPair } from './hello-crypto.js';
import { helloType, idBytes, protocolVersion } from './hello-layout.js';
import { encodeHello, maxHelloControlBytes } from './hello-packet.js';
import { sameBytes } from './same-bytes.js';

export interface DialerHelloOptions {
  readonly config: Pick<
    UdpConfig,
    'helloRepeatMs' | 'maxHelloRepeatMs' | 'refusalPatienceMs' | 'leastRefusalPatienceMs'
  >;
  readonly crypto: HelloCrypto;
  /** What HELLO tells the listener. */
  readonly parameters: PeerParameters;
  /** What the layer above says first, about so much of it. Asked once, when the listener has answered. */
  pullControl(maxBytes: number): Uint8Array | undefined;
}

export type DialerOutcome = ConnectedHello | FailedHello;

export interface ConnectedHello {
  readonly kind: 'connected';
  readonly keys: ConnectionKeys;
  readonly peer: PeerParameters;
  /** 0: not measured, all that was answered had been repeated. */
  readonly rttMs: number;
  /** So many bytes of control the listener has; what was pulled beyond them goes next. */
  readonly controlSentBytes: number;
  readonly controlRest: Uint8Array;
}

export type FailedHello =
  /** It speaks none that we do, but these. */
  | { readonly kind: 'versions'; readonly versions: readonly number[] }
  /** See `refusalCode`. */
  | { readonly kind: 'refused'; readonly code: number }
  /** What the system says of the address, see `handleUnreachable`. */
  | { readonly kind: 'unreachable'; readonly code: string };

/**
 * A dialer's side of the hellos: sans-IO, for one dial. `poll` gives what is to be sent, `nextTimeout` says when to call it
 * and `handleTimeout` again. It repeats itself until the dial is given up. Give it only what comes from the address dialled.
 */
export class DialerHello {
  readonly #options: DialerHelloOptions;
  readonly #localId: Uint8Array;
  readonly #pair: KeyPair;
  #control: Uint8Array | undefined;
  /** The latest; then those with earlier cookies, which an ACCEPT may still answer. */
  #sent: SentHello[] = [];
  #laterCookie: Uint8Array | undefined;
  #sendAt = -Infinity;
  #intervalMs: number;
  #retryRttMs: number | undefined;
  #failure: { readonly outcome: FailedHello; at: number } | undefined;
  #isOver = false;

  constructor(options: DialerHelloOptions) {
    this.#options = options;
    this.#localId = options.crypto.randomBytes(idBytes);
    this.#pair = options.crypto.keyPair();
    this.#intervalMs = options.config.helloRepeatMs;
    this.#sent = [this.#hello(new Uint8Array())];
  }

  get nextTimeout(): number {
    return this.#isOver ? Infinity : Math.min(this.#sendAt, this.#failure?.at ?? Infinity);
  }

  /** A datagram, once it is due; undefined: none. */
  poll(now: number): Uint8Array | undefined {
    if (this.#isOver || now < this.#sendAt) return undefined;
    if (this.#laterCookie) this.#useCookie(this.#laterCookie);
    const [hello] = this.#sent;
    if (!hello) return undefined;
    hello.sentAt = now;
    hello.times++;
    this.#sendAt = now + this.#intervalMs;
    this.#intervalMs = Math.min(2 * this.#intervalMs, this.#options.config.maxHelloRepeatMs);
    return hello.bytes;
  }

  /** What is no answer to this dial, or no right one, is as if it had been lost. */
  handleDatagram(now: number, bytes: Uint8Array): DialerOutcome | undefined {
    if (this.#isOver || !sameBytes(bytes.subarray(1, 1 + idBytes), this.#localId)) return undefined;
    switch (bytes[0]) {
      case helloType.retry:
        this.#handleRetry(now, parseRetry(bytes));
        return undefined;
      case helloType.accept:
        return this.#handleAccept(now, parseAccept(bytes));
      case helloType.versions: {
        const versions = parseVersions(bytes)?.versions;
        if (versions && !versions.includes(protocolVersion))
          this.#suspect(now, { kind: 'versions', versions });
        return undefined;
      }
      case helloType.refused: {
        const refused = parseRefused(bytes);
        if (refused) this.#suspect(now, { kind: 'refused', code: refused.code });
        return undefined;
      }
      default:
        return undefined;
    }
  }

  /**
   * An ICMP message, which anyone may have made up, so that an ACCEPT is waited for. ECONNREFUSED: the host is there and
   * nobody listens, which is known soon. Others may pass, as while an interface comes up.
   */
  handleUnreachable(now: number, code: string): void {
    if (this.#isOver) return;
    const { leastRefusalPatienceMs, refusalPatienceMs } = this.#options.config;
    const isFirm = code === 'ECONNREFUSED';
    const unmeasuredMs = isFirm ? leastRefusalPatienceMs : refusalPatienceMs;
    const patienceMs = isFirm && this.#retryRttMs !== undefined ? this.#patienceMs : unmeasuredMs;
    this.#suspect(now, { kind: 'unreachable', code }, patienceMs);
  }

  handleTimeout(now: number): DialerOutcome | undefined {
    if (this.#isOver || !this.#failure || now < this.#failure.at) return undefined;
    this.#isOver = true;
    return this.#failure.outcome;
  }

  /**
   * The first cookie is used at once. A later one may be the answer to a repetition, or a forger's, while the answer to
   * the first is under way: it has to wait for the next repetition, which bounds what RETRYs bring about, too.
   */
  #handleRetry(now: number, retry: Retry | undefined): void {
    const [latest] = this.#sent;
    if (!retry || !latest?.times) return;
    if (this.#sent.some(({ cookie }) => sameBytes(cookie, retry.cookie))) return;
    if (latest.cookie.length > 0) {
      this.#laterCookie = new Uint8Array(retry.cookie);
      return;
    }
    if (latest.times === 1) this.#retryRttMs = Math.max(0, now - latest.sentAt);
    this.#useCookie(new Uint8Array(retry.cookie));
    this.#sendAt = now;
    if (this.#failure) this.#failure.at = Math.max(this.#failure.at, now + this.#patienceMs);
  }

  #useCookie(cookie: Uint8Array): void {
    this.#laterCookie = undefined;
    this.#control ??= this.#options.pullControl(maxHelloControlBytes) ?? new Uint8Array();
    const withCookie = this.#sent.filter((hello) => hello.cookie.length > 0);
    this.#sent = [this.#hello(cookie), ...withCookie].slice(0, maxSentHellos);
  }

  #hello(cookie: Uint8Array): SentHello {
    const bytes = encodeHello({
      version: protocolVersion,
      dialerId: this.#localId,
      publicKey: this.#pair.publicKey,
      parameters: this.#options.parameters,
      cookie,
      control: this.#control?.subarray(0, maxHelloControlBytes) ?? new Uint8Array(),
    });
    return { bytes, cookie, sentAt: 0, times: 0 };
  }

  #handleAccept(now: number, accept: ReceivedAccept | undefined): DialerOutcome | undefined {
    if (accept?.version !== protocolVersion) return undefined;
    const secret = this.#pair.agree(accept.publicKey);
    if (!secret) return undefined;
    for (const hello of this.#sent) {
      if (hello.cookie.length === 0 || hello.times === 0) continue;
      const { crypto } = this.#options;
      const keys = packetKeys(crypto, secret, hello.bytes, accept.untagged);
      if (!sameBytes(crypto.sipHash(keys.listener, accept.untagged), accept.tag)) continue;
      this.#isOver = true;
      return this.#connected(hello.times === 1 ? now - hello.sentAt : this.#retryRttMs, accept, {
        localId: this.#localId,
        remoteId: new Uint8Array(accept.listenerId),
        sendKey: keys.dialer,
        receiveKey: keys.listener,
      });
    }
    return undefined;
  }

  #connected(rttMs: number | undefined, accept: ReceivedAccept, keys: ConnectionKeys): ConnectedHello {
    const control = this.#control ?? new Uint8Array();
    return {
      kind: 'connected',
      keys,
      peer: accept.parameters,
      // Karn's algorithm (RFC 6298 §3): of what was sent twice it is not known which was answered.
      rttMs: Math.max(0, rttMs ?? 0),
      controlSentBytes: Math.min(control.length, maxHelloControlBytes),
      controlRest: control.subarray(maxHelloControlBytes),
    };
  }

  /** VERSIONS and REFUSED bear no tag: anyone who saw our HELLO can say so. Who said ACCEPT meanwhile is believed. */
  #suspect(now: number, outcome: FailedHello, patienceMs = this.#patienceMs): void {
    const at = now + patienceMs;
    if (!this.#failure || at < this.#failure.at) this.#failure = { outcome, at };
  }

  get #patienceMs(): number {
    const { refusalPatienceMs, leastRefusalPatienceMs } = this.#options.config;
    if (this.#retryRttMs === undefined) return refusalPatienceMs;
    return Math.min(Math.max(4 * this.#retryRttMs, leastRefusalPatienceMs), refusalPatienceMs);
  }
}

interface SentHello {
  readonly bytes: Uint8Array;
  readonly cookie: Uint8Array;
  sentAt: number;
  times: number;
}

const maxSentHellos = 4;
