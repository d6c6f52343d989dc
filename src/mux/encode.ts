import { extensionType, frameHeaderBytes, frameType, openFixedBytes } from './frame.js';

/** Writes a frame header at `at`. */
export function writeHeader(
  view: DataView,
  at: number,
  type: number,
  flags: number,
  payloadBytes: number,
  id: number,
): void {
  view.setUint8(at, type);
  view.setUint8(at + 1, flags);
  view.setUint32(at + 2, payloadBytes);
  writeUint64(view, at + 6, id);
}

export function writeUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value >>> 0);
}

/** A whole frame with the payload copied in; for everything but STREAM_DATA on the hot path. */
export function encodeFrame(type: number, flags: number, id: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(frameHeaderBytes + payload.length);
  writeHeader(new DataView(frame.buffer), 0, type, flags, payload.length, id);
  frame.set(payload, frameHeaderBytes);
  return frame;
}

/** `limit` is the total that the other side may send; `priority` from −128 to 127. */
export function encodeOpen(id: number, limit: number, priority: number, header: Uint8Array): Uint8Array {
  const payload = new Uint8Array(openFixedBytes + header.length);
  const view = new DataView(payload.buffer);
  writeUint64(view, 0, limit);
  view.setInt8(8, priority);
  payload.set(header, openFixedBytes);
  return encodeFrame(frameType.streamOpen, 0, id, payload);
}

/** OPEN_ACK and WINDOW (a limit), GOAWAY (the last id taken), KEEPALIVE and its ACK (a token). */
export function encodeUint64Frame(type: number, id: number, value: number): Uint8Array {
  const payload = new Uint8Array(8);
  writeUint64(new DataView(payload.buffer), 0, value);
  return encodeFrame(type, 0, id, payload);
}

/** OPEN_ERR, STREAM_RESET and STOP. */
export function encodeCodeFrame(type: number, id: number, code: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, code);
  return encodeFrame(type, 0, id, payload);
}

/** `frame`, with what there is to say right before it. */
export function withDetail(id: number, detail: Uint8Array, frame: Uint8Array): Uint8Array {
  if (detail.length === 0) return frame;
  const before = encodeFrame(extensionType.streamDetail, 0, id, detail);
  const both = new Uint8Array(before.length + frame.length);
  both.set(before);
  both.set(frame, before.length);
  return both;
}

export function encodeClose(id: number): Uint8Array {
  return encodeFrame(frameType.streamClose, 0, id, new Uint8Array(0));
}

/** STREAM_DATA without content, for a flag alone. */
export function encodeDataFlags(id: number, flags: number): Uint8Array {
  return encodeFrame(frameType.streamData, flags, id, new Uint8Array(0));
}
