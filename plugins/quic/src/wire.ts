import { XferError } from 'xfer/plugin';

/** How our streams lie on QUIC's, see docs/quic.md. Integers are big-endian. */
export const wireVersion = 1;
/** `xfrq`. */
const magic = 0x78667271;
/** Opens either direction of the control stream: magic u32 · version u16 · 0 u16. */
export const prefaceBytes = 8;
/** Opens a stream of content: the id of the stream whose content it is, u64; 0: the shared one. */
export const idBytes = 8;
/** On the shared one before each piece: id u64 · flags u8 · length u32. */
export const pieceHeaderBytes = 13;
export const sharedId = 0;
const finFlag = 1;
/** More than is ever taken of a stream at a time. */
const maxPieceBytes = 16 * 2 ** 20;

export function encodePreface(): Uint8Array {
  const bytes = new Uint8Array(prefaceBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic);
  view.setUint16(4, wireVersion);
  return bytes;
}

/** Throws where it is none, or that of another version. */
export function checkPreface(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== magic) throw new XferError('ERR_XFER_PROTOCOL', 'it speaks no xfer over QUIC');
  const version = view.getUint16(4);
  if (version === wireVersion) return;
  throw new XferError('ERR_XFER_VERSION', `xfer over QUIC of version ${version}, not ${wireVersion}`);
}

export function encodeId(id: number): Uint8Array {
  const bytes = new Uint8Array(idBytes);
  setUint64(new DataView(bytes.buffer), id);
  return bytes;
}

/** Throws for an id that no stream has. */
export function decodeId(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const id = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  if (id > Number.MAX_SAFE_INTEGER)
    throw new XferError('ERR_XFER_PROTOCOL', 'content of an impossible stream');
  return id;
}

export interface PieceHeader {
  readonly id: number;
  readonly fin: boolean;
  readonly bytes: number;
}

export function encodePieceHeader({ id, fin, bytes }: PieceHeader): Uint8Array {
  const header = new Uint8Array(pieceHeaderBytes);
  const view = new DataView(header.buffer);
  setUint64(view, id);
  view.setUint8(8, fin ? finFlag : 0);
  view.setUint32(9, bytes);
  return header;
}

/** Throws for what no sender of ours says. */
export function decodePieceHeader(header: Uint8Array): PieceHeader {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const id = decodeId(header);
  const flags = view.getUint8(8);
  const bytes = view.getUint32(9);
  if (id === sharedId || flags > finFlag || bytes > maxPieceBytes)
    throw new XferError('ERR_XFER_PROTOCOL', 'a piece of content that makes no sense');
  return { id, fin: flags === finFlag, bytes };
}

function setUint64(view: DataView, value: number): void {
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value >>> 0);
}
