import { benchIdBytes } from './message.js';

/** Opening header of one of many streams: `xfer` 09, a version, the bench, and 1 where all content is wanted back, else 0. */
const prefix = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 9, 1);
const headerBytes = prefix.length + benchIdBytes + 1;

export interface StreamsHeader {
  readonly id: Uint8Array;
  readonly isBothWays: boolean;
}

/** What the other end answers the first byte with, where it does not send all back. */
export const firstByteAnswer: Uint8Array = Uint8Array.of(1);

export function encodeStreamsHeader({ id, isBothWays }: StreamsHeader): Uint8Array {
  return Uint8Array.of(...prefix, ...id, isBothWays ? 1 : 0);
}

/** undefined for every other header. */
export function decodeStreamsHeader(header: Uint8Array): StreamsHeader | undefined {
  const last = header[headerBytes - 1];
  const isOne = header.length === headerBytes && prefix.every((byte, at) => header[at] === byte);
  if (!isOne || (last !== 0 && last !== 1)) return undefined;
  return { id: header.slice(prefix.length, headerBytes - 1), isBothWays: last === 1 };
}
