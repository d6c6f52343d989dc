import { XferError } from '../errors/index.js';
import { concat } from './bytes.js';
import { HandshakeCore } from './handshake-core.js';
import { decodeRefusal, fields, handshakeNonceBytes } from './handshake-messages.js';
import { isLaneJoinMac, laneJoinMac, laneJoinTranscript } from './join.js';
import type { SessionRole, SessionSecrets } from './keys.js';

const macBytes = 32;
/** First byte of a message of a join; the order in which they go. */
export const joinMessage = Object.freeze({ answer: 0x11, proof: 0x12 });

export interface JoinOptions {
  readonly secrets: SessionSecrets;
  readonly lane: number;
  /** Of the side that joins: it went with the stream's opening header. */
  readonly dialerNonce: Uint8Array;
  /** On the clock of `handleTime`, in ms. */
  readonly deadline: number;
}

/**
 * A lane joins a session (DESIGN §6), the side that dialled: it said session, lane and nonce in the opening header, the
 * other side answers with its nonce and proof, this one with its own proof. The outcome's transcript is that of the
 * lane's keys.
 */
export class JoinDialerCore extends HandshakeCore {
  readonly #options: JoinOptions;

  constructor(options: JoinOptions) {
    super(options.deadline);
    this.#options = options;
  }

  protected override handleMessage(message: Uint8Array): void {
    const refusal = decodeRefusal(message);
    if (refusal) throw new XferError(refusal, 'the other side refused the lane');
    const [listenerNonce, proof] = fields(message, joinMessage.answer, [handshakeNonceBytes, macBytes]);
    const transcript = transcriptOf(this.#options, new Uint8Array(listenerNonce));
    const { secrets } = this.#options;
    if (!isLaneJoinMac(secrets.secret, transcript, 'listener', proof)) throw unproven();
    this.send(concat(Uint8Array.of(joinMessage.proof), laneJoinMac(secrets.secret, transcript, 'dialer')));
    this.succeed(keysOf(secrets, transcript, 'dialer'));
  }

  protected override mustWait(): boolean {
    return false;
  }
}

/** The side that was dialled. */
export class JoinListenerCore extends HandshakeCore {
  readonly #options: JoinOptions;
  readonly #transcript: Uint8Array;

  constructor(options: JoinOptions & { readonly listenerNonce: Uint8Array }) {
    super(options.deadline);
    this.#options = options;
    const { listenerNonce, secrets } = options;
    this.#transcript = transcriptOf(options, listenerNonce);
    const proof = laneJoinMac(secrets.secret, this.#transcript, 'listener');
    this.send(concat(Uint8Array.of(joinMessage.answer), listenerNonce, proof));
  }

  protected override handleMessage(message: Uint8Array): void {
    const { secrets } = this.#options;
    const [proof] = fields(message, joinMessage.proof, [macBytes]);
    if (!isLaneJoinMac(secrets.secret, this.#transcript, 'dialer', proof)) throw unproven();
    this.succeed(keysOf(secrets, this.#transcript, 'listener'));
  }

  protected override mustWait(): boolean {
    return false;
  }
}

function transcriptOf({ secrets, lane, dialerNonce }: JoinOptions, listenerNonce: Uint8Array): Uint8Array {
  return laneJoinTranscript({ sessionTranscript: secrets.transcript, lane, dialerNonce, listenerNonce });
}

function keysOf({ secret, peerKey, cipher }: SessionSecrets, transcript: Uint8Array, role: SessionRole) {
  return { secret, transcript, peerKey, cipher, role, paired: false };
}

function unproven(): XferError {
  return new XferError('ERR_XFER_HANDSHAKE', 'a lane wanted to join, and did not prove its session');
}
