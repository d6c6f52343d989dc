import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { Cipher, RecordKey } from '../native/api.js';
import { lvCat, u64, utf8 } from './bytes.js';
import { deriveKey } from './kdf.js';

/** Which end of a session: fixed by the handshake, the same for every lane whoever dialled that. */
export type SessionRole = 'dialer' | 'listener';

export interface LaneSecrets {
  /** The handshake's secret, 32 bytes. */
  readonly secret: Uint8Array;
  /** Lane 0: the handshake hash. Others: what `laneJoinTranscript` gives. */
  readonly transcript: Uint8Array;
  readonly cipher: Cipher;
  /** The role of the side whose keys these are. */
  readonly role: SessionRole;
  /** Never the same twice in a session. */
  readonly lane: number;
}

/** What a handshake gives (see handshake.ts). */
export interface SessionSecrets {
  readonly secret: Uint8Array;
  readonly transcript: Uint8Array;
  readonly peerKey: Uint8Array;
  readonly cipher: Cipher;
  readonly role: SessionRole;
  readonly leftover: Uint8Array;
  /** The other side has ended or reset the stream since: no handler set now is told of it. */
  readonly isLost?: boolean;
}

/** The keys of a lane's two directions: what one side seals with, the other opens with. */
export function laneKeys(secrets: LaneSecrets): {
  readonly sealing: DirectionKeys;
  readonly opening: DirectionKeys;
} {
  const other = secrets.role === 'dialer' ? 'listener' : 'dialer';
  return { sealing: directionKeys(secrets, secrets.role), opening: directionKeys(secrets, other) };
}

/**
 * The keys of one direction of a lane, record by record. A key serves `recordsPerKey` records, then the next is
 * derived from it and the counter starts at 0 again, so that what is seized later opens nothing of before.
 */
export class DirectionKeys {
  readonly #cipher: Cipher;
  readonly #recordsPerKey: number;
  #key: Uint8Array;
  #counter = 0;
  #count = 0;

  constructor(cipher: Cipher, key: Uint8Array, recordsPerKey: number = sessionDefaults.recordsPerKey) {
    this.#cipher = cipher;
    this.#key = key;
    this.#recordsPerKey = recordsPerKey;
  }

  /** Records so far. */
  get count(): number {
    return this.#count;
  }

  /** The key and counter of the next record: no pair is ever given twice. `key` stays as it is: parked content opens later. */
  next(): RecordKey {
    if (this.#count >= Number.MAX_SAFE_INTEGER)
      throw new XferError('ERR_XFER_LIMIT', 'the lane has no more records');
    if (this.#counter === this.#recordsPerKey) {
      this.#key = deriveKey(this.#key, undefined, 'xfer 1 ratchet');
      this.#counter = 0;
    }
    this.#count += 1;
    return { cipher: this.#cipher, key: this.#key, counter: this.#counter++ };
  }
}

function directionKeys(secrets: LaneSecrets, sender: SessionRole): DirectionKeys {
  const { secret, transcript, lane, cipher } = secrets;
  const label = lvCat(utf8('xfer 1 lane key'), u64(lane), utf8(sender), Uint8Array.of(cipher));
  return new DirectionKeys(cipher, deriveKey(secret, transcript, label));
}
