import { benchDefaults } from '../config/index.js';

/** Opening header of a stream that is measured by: `xfer` 07, a version, the bench, and the bytes of each message as u32. */
const prefix = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 7, 2);
/** Random bytes that all streams of a bench have in common. */
export const benchIdBytes = 16;
const headerBytes = prefix.length + benchIdBytes + 4;

export interface BenchHeader {
  readonly id: Uint8Array;
  readonly messageBytes: number;
}

/**
 * First byte of each message, which says what the other end does when it has all of it: nothing; answer how many it has
 * had, as u32; send one of the same size back.
 */
export const benchMessage = Object.freeze({ count: 0, acknowledge: 1, echo: 2 });

/** Of the answer to `acknowledge`. */
export const acknowledgementBytes = 4;

export function encodeBenchHeader(id: Uint8Array, messageBytes: number): Uint8Array {
  const header = new Uint8Array(headerBytes);
  header.set(prefix);
  header.set(id, prefix.length);
  new DataView(header.buffer).setUint32(prefix.length + benchIdBytes, messageBytes);
  return header;
}

/** undefined for every other header, and sizes that are not taken. */
export function decodeBenchHeader(header: Uint8Array): BenchHeader | undefined {
  if (header.length !== headerBytes || prefix.some((byte, at) => header[at] !== byte)) return undefined;
  const messageBytes = Buffer.from(header).readUInt32BE(prefix.length + benchIdBytes);
  if (messageBytes < 1 || messageBytes > benchDefaults.maxMessageBytes) return undefined;
  return { id: header.slice(prefix.length, prefix.length + benchIdBytes), messageBytes };
}

export function encodeAcknowledgement(messages: number): Uint8Array {
  const answer = new Uint8Array(acknowledgementBytes);
  new DataView(answer.buffer).setUint32(0, messages);
  return answer;
}
