import { concat, u64 } from './bytes.js';
import { groupEpochBytes } from './group-keys.js';
import { handshakeNonceBytes } from './handshake-messages.js';

/** Opening header of the stream on which a session begins: `xfer` and the version of this header. */
export const sessionHeader: Uint8Array = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 1);
const joinPrefix = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 2);
const groupPrefix = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 5);

export const sessionIdBytes = 16;
const laneAt = joinPrefix.length + sessionIdBytes;
const nonceAt = laneAt + 8;
const joinBytes = nonceAt + handshakeNonceBytes;
const macAt = nonceAt + groupEpochBytes;
const macBytes = 32;

/** What the opening header of a lane that joins says. Nothing of it proves anything. */
export interface JoinHeader {
  readonly session: Uint8Array;
  readonly lane: number;
  readonly nonce: Uint8Array;
}

export function isSessionHeader(header: Uint8Array): boolean {
  return Buffer.compare(header, sessionHeader) === 0;
}

export function encodeJoinHeader({ session, lane, nonce }: JoinHeader): Uint8Array {
  return concat(joinPrefix, session, u64(lane), nonce);
}

/** undefined for every other header. */
export function decodeJoinHeader(header: Uint8Array): JoinHeader | undefined {
  const named = namedLane(header, joinPrefix, joinBytes);
  return named && { ...named, nonce: new Uint8Array(header.subarray(nonceAt)) };
}

/** What the opening header of a stream says that brings the records of a group. */
export interface GroupHeader {
  readonly session: Uint8Array;
  readonly lane: number;
  readonly epoch: Uint8Array;
  /** `groupLaneMac`. */
  readonly mac: Uint8Array;
}

export function encodeGroupHeader({ session, lane, epoch, mac }: GroupHeader): Uint8Array {
  return concat(groupPrefix, session, u64(lane), epoch, mac);
}

/** undefined for every other header. */
export function decodeGroupHeader(header: Uint8Array): GroupHeader | undefined {
  const named = namedLane(header, groupPrefix, macAt + macBytes);
  return (
    named && {
      ...named,
      epoch: new Uint8Array(header.subarray(nonceAt, macAt)),
      mac: new Uint8Array(header.subarray(macAt)),
    }
  );
}

function namedLane(
  header: Uint8Array,
  prefix: Uint8Array,
  bytes: number,
): { session: Uint8Array; lane: number } | undefined {
  if (header.length !== bytes || prefix.some((byte, i) => header[i] !== byte)) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const lane = Number(view.getBigUint64(laneAt));
  if (!Number.isSafeInteger(lane)) return undefined;
  return { session: new Uint8Array(header.subarray(prefix.length, laneAt)), lane };
}
