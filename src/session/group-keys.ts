import type { Cipher } from '../native/api.js';
import { equalBytes, lvCat, u64, utf8 } from './bytes.js';
import { deriveKey, mac } from './kdf.js';
import { DirectionKeys } from './keys.js';

export const groupEpochBytes = 16;
export const groupKeyBytes = 32;

/** By what several receivers open the records that were sealed once for all of them (DESIGN §6). */
export interface GroupKey {
  /** Random, and never used again. */
  readonly epoch: Uint8Array;
  readonly key: Uint8Array;
  readonly cipher: Cipher;
}

/** The keys of a group's records. They count from 0, so a record's number is its nonce: none is ever sealed twice. */
export function groupKeys({ epoch, key, cipher }: GroupKey): DirectionKeys {
  return new DirectionKeys(
    cipher,
    deriveKey(key, epoch, lvCat(utf8('xfer 1 group key'), Uint8Array.of(cipher))),
  );
}

/** What ties a stream of a group to one session: its secret and transcript are that session's. */
export interface GroupLaneProof {
  readonly secret: Uint8Array;
  readonly transcript: Uint8Array;
  readonly lane: number;
  readonly epoch: Uint8Array;
}

/** Proof that who opens a group lane has the session's secret; 32 bytes. It goes one way, so a lane's number counts once. */
export function groupLaneMac({ secret, transcript, lane, epoch }: GroupLaneProof): Uint8Array {
  return mac(deriveKey(secret, transcript, 'xfer 1 group lane'), lvCat(u64(lane), epoch));
}

/** Takes the same time either way. */
export function isGroupLaneMac(proof: GroupLaneProof, given: Uint8Array): boolean {
  return equalBytes(groupLaneMac(proof), given);
}
