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
  'peer-opens',
  // Rooms (rooms-core.ts).
  'room-name',
  'room-taken',
  'room-misses',
  'room-unknown',
  'peer-rooms',
  'total-rooms',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];
