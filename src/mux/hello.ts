import { encodeFrame } from './encode.js';
import { fault, type MuxFault } from './frame.js';

/** What one side of a link allows the other, told in LINK_HELLO and LINK_HELLO_ACK. */
export interface LinkHello {
  readonly lowestVersion: number;
  readonly highestVersion: number;
  readonly maxStreams: number;
  readonly maxPendingOpens: number;
  readonly firstWindowBytes: number;
  readonly maxPayloadBytes: number;
}

/** Versions that this code speaks. */
export const muxVersion = Object.freeze({ lowest: 1, highest: 1 });

/** `XFER`. */
const magic = 0x58464552;

/** The frozen part: magic u32 · lowest u16 · highest u16 · streams u32 · pending opens u32 · window u32 · payload u32. */
export const helloBytes = 24;

/** Later versions may append up to this many bytes in all; what is not known is ignored. */
export const maxHelloBytes = 256;

/** OPENs without an answer that a dialer may have before it has the listener's hello, each with 64 KiB of content. */
export const pendingOpensUntilHello = 16;

/** No side may ask for frames below this: it is what everybody sends until agreed. */
export const leastPayloadBytes = 16 * 1024;

export function encodeHello(type: number, hello: LinkHello): Uint8Array {
  const payload = new Uint8Array(helloBytes);
  const view = new DataView(payload.buffer);
  view.setUint32(0, magic);
  view.setUint16(4, hello.lowestVersion);
  view.setUint16(6, hello.highestVersion);
  view.setUint32(8, hello.maxStreams);
  view.setUint32(12, hello.maxPendingOpens);
  view.setUint32(16, hello.firstWindowBytes);
  view.setUint32(20, hello.maxPayloadBytes);
  return encodeFrame(type, 0, 0, payload);
}

export function parseHello(payload: Uint8Array): LinkHello | MuxFault {
  if (payload.length < helloBytes) return fault('the hello is too short');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (view.getUint32(0) !== magic) return fault('the other side is not an xfer');
  const hello = {
    lowestVersion: view.getUint16(4),
    highestVersion: view.getUint16(6),
    maxStreams: view.getUint32(8),
    maxPendingOpens: view.getUint32(12),
    firstWindowBytes: view.getUint32(16),
    maxPayloadBytes: view.getUint32(20),
  };
  if (hello.maxPayloadBytes < leastPayloadBytes) return fault('the hello asks for frames that are too small');
  return hello;
}

/** The version both sides speak, or undefined. */
export function commonVersion(
  theirs: LinkHello,
  ours: { lowest: number; highest: number } = muxVersion,
): number | undefined {
  const highest = Math.min(ours.highest, theirs.highestVersion);
  return highest >= Math.max(ours.lowest, theirs.lowestVersion) ? highest : undefined;
}
