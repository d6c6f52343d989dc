/** Opening header of the stream by which a receiver waits in a room of a relay: `xfer` 04 and the room's name. */
const prefix = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 4);
const maxRoomBytes = 64;

export function encodeWaitHeader(room: string): Uint8Array {
  return Buffer.concat([prefix, Buffer.from(room, 'latin1')]);
}

/** The room's name; undefined for every other header. */
export function decodeWaitHeader(header: Uint8Array): string | undefined {
  if (header.length <= prefix.length || header.length > prefix.length + maxRoomBytes) return undefined;
  if (prefix.some((byte, i) => header[i] !== byte)) return undefined;
  return Buffer.from(header.subarray(prefix.length)).toString('latin1');
}
