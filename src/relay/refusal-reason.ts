import type { ErrorCode } from '../errors/index.js';

/** Why a relay refuses, as a metric's label says it: a closed list. */
export const refusalReasons = [
  // Connections, before any work (admission-core.ts).
  'source-rate',
  'total-rate',
  'source-handshakes',
  'total-handshakes',
  'source-connections',
  'total-connections',
  // Peers, once it is known who they are (peer-limits-core.ts).
  'peer-connections',
  'full',
  'peer-streams',
  'total-streams',
  'stranger-streams',
  'listed-streams',
  'peer-opens',
  // What a stream asks for (relay-hop.ts).
  'no-route',
  'loop',
  'policy',
  'unreachable',
  // The peer never said who it is or what it wants, or said so wrongly.
  'handshake',
  // Who the peer has proved to be, or not (hop-peer.ts of src/session).
  'proof-wrong',
  'proof-late',
  'proof-host',
  'token-wrong',
  'not-allowed',
  // Rooms (rooms-core.ts).
  'room-name',
  'room-taken',
  'room-misses',
  'room-unknown',
  'peer-rooms',
  'total-rooms',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/** What the peer is told of it. */
export function errorOf(reason: RefusalReason): ErrorCode {
  return told[reason] ?? 'ERR_XFER_LIMIT';
}

const told: Partial<Record<RefusalReason, ErrorCode>> = {
  'no-route': 'ERR_XFER_PROTOCOL',
  loop: 'ERR_XFER_LOOP',
  policy: 'ERR_XFER_RELAY_REFUSED',
  unreachable: 'ERR_XFER_UNREACHABLE',
  handshake: 'ERR_XFER_HANDSHAKE',
  'proof-wrong': 'ERR_XFER_HANDSHAKE',
  'proof-late': 'ERR_XFER_TIMEOUT',
  'proof-host': 'ERR_XFER_HANDSHAKE',
  'token-wrong': 'ERR_XFER_RELAY_REFUSED',
  'not-allowed': 'ERR_XFER_RELAY_REFUSED',
  'room-name': 'ERR_XFER_NO_ROOM',
  'room-taken': 'ERR_XFER_ROOM_TAKEN',
  'room-unknown': 'ERR_XFER_NO_ROOM',
};
