import { benchDefaults } from '../config/index.js';

/** Opening header of a stream that is measured by: `xfer` 07, a version, and the bytes of each message as u32. */
const prefix = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 7, 1);
const headerBytes = prefix.length + 4;

/**
 * First byte of each message, which says what the other end does when it has all of it: nothing; answer how many it has
 * had, as u32; send one of the same size back.
 */
export const benchMessage = Object.freeze({ count: 0, acknowledge: 1, echo: 2 });

/** Of the answer to `acknowledge`. */
export const acknowledgementBytes = 4;

export function encodeBenchHeader(messageBytes: number): Uint8Array {
  const header = new Uint8Array(headerBytes);
  header.set(prefix);
  new DataView(header.buffer).setUint32(prefix.length, messageBytes);
  return header;
}

/** The bytes of each message; undefined for every other header, and sizes that are not taken. */
export function decodeBenchHeader(header: Uint8Array): number | undefined {
  if (header.length !== headerBytes || prefix.some((byte, at) => header[at] !== byte)) return undefined;
  const bytes = new DataView(header.buffer, header.byteOffset, header.byteLength).getUint32(prefix.length);
  return bytes >= 1 && bytes <= benchDefaults.maxMessageBytes ? bytes : undefined;
}

export function encodeAcknowledgement(messages: number): Uint8Array {
  const answer = new Uint8Array(acknowledgementBytes);
  new DataView(answer.buffer).setUint32(0, messages);
  return answer;
}
