import { XferError } from 'xfer/plugin';

/** Before the content of every message, behind the addon's own 16 bytes: type u8 · flags u8 · 6 zeros · stream id u64 · offset u64. */
export const messageHeadBytes = 24;

export const messageType = Object.freeze({
  /** Frames of mux, cut anywhere. An empty one is the first of each direction, and says no more than that it came. */
  control: 1,
  /** Content of one stream. */
  content: 2,
  /** Nothing follows. */
  end: 3,
});

export interface MessageHead {
  readonly type: number;
  /** The stream's content ends with this message. */
  readonly fin: boolean;
  /** Of content; 0 elsewhere. */
  readonly streamId: number;
  /** Of the first byte of content in its stream. */
  readonly offset: number;
}

const finFlag = 1;

/** Into the first bytes of `into`. */
export function writeMessageHead(into: Uint8Array, { type, fin, streamId, offset }: MessageHead): void {
  const view = new DataView(into.buffer, into.byteOffset, messageHeadBytes);
  view.setUint8(0, type);
  view.setUint8(1, fin ? finFlag : 0);
  view.setUint16(2, 0);
  view.setUint32(4, 0);
  setUint64(view, 8, streamId);
  setUint64(view, 16, offset);
}

/** Of a whole message. Throws ERR_XFER_PROTOCOL for what no sender of ours says. */
export function readMessageHead(message: Uint8Array): MessageHead {
  if (message.length < messageHeadBytes) throw violation('a message that is too short');
  const view = new DataView(message.buffer, message.byteOffset, messageHeadBytes);
  const type = view.getUint8(0);
  const flags = view.getUint8(1);
  const head = { type, fin: flags === finFlag, streamId: uint64(view, 8), offset: uint64(view, 16) };
  if (flags > finFlag || view.getUint16(2) !== 0 || view.getUint32(4) !== 0)
    throw violation('a message with unknown flags');
  const bytes = message.length - messageHeadBytes;
  if (type === messageType.content) {
    if (head.streamId === 0 || (bytes === 0 && !head.fin)) throw violation('content of nothing');
    return head;
  }
  if (type !== messageType.control && type !== messageType.end)
    throw violation(`a message of the unknown type ${type}`);
  if (head.fin || head.streamId !== 0 || head.offset !== 0 || (type === messageType.end && bytes > 0))
    throw violation('a message with a head that makes no sense');
  return head;
}

export function violation(reason: string): XferError {
  return new XferError('ERR_XFER_PROTOCOL', reason);
}

function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value >>> 0);
}

function uint64(view: DataView, at: number): number {
  const value = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  if (value > Number.MAX_SAFE_INTEGER) throw violation('a number that is too large');
  return value;
}
