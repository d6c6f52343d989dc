import { concat, equalBytes, lvCat, u64, utf8 } from './bytes.js';
import { deriveKey, digest, mac } from './kdf.js';
import type { SessionRole } from './keys.js';

/** What a join names its session with, 16 bytes. Public: it proves nothing. */
export function sessionId(secret: Uint8Array, transcript: Uint8Array): Uint8Array {
  return deriveKey(secret, transcript, 'xfer 1 session id', 16);
}

export interface LaneJoin {
  /** The handshake hash of the session. */
  readonly sessionTranscript: Uint8Array;
  readonly lane: number;
  /** Of the session's dialer and listener, whichever of them dialled the lane. */
  readonly dialerNonce: Uint8Array;
  readonly listenerNonce: Uint8Array;
}

/** What both sides agreed on by joining a lane; its keys derive from it. 32 bytes. */
export function laneJoinTranscript(join: LaneJoin): Uint8Array {
  const { sessionTranscript, lane, dialerNonce, listenerNonce } = join;
  return digest(lvCat(utf8('xfer 1 lane join'), sessionTranscript, u64(lane), dialerNonce, listenerNonce));
}

/** Proof of `role` that it has the session's secret, bound to both nonces, the lane's number and the role. 32 bytes. */
export function laneJoinMac(secret: Uint8Array, joinTranscript: Uint8Array, role: SessionRole): Uint8Array {
  const key = deriveKey(secret, joinTranscript, 'xfer 1 lane join mac');
  return mac(key, concat(utf8(role), joinTranscript));
}

/** Whether `given` is the proof of `role`; takes the same time either way. */
export function isLaneJoinMac(
  secret: Uint8Array,
  joinTranscript: Uint8Array,
  role: SessionRole,
  given: Uint8Array,
): boolean {
  return equalBytes(laneJoinMac(secret, joinTranscript, role), given);
}
