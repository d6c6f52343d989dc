import { recordLayout } from '../native/api.js';

/** What a record carries. */
export const recordKind = Object.freeze({ control: 1, content: 2 });

/** Highest number that a header may carry: what a JavaScript number holds exactly. */
const maxNumber = Number.MAX_SAFE_INTEGER;

/**
 * The plain header of a record, 32 bytes, big-endian: kind u8 · layout u8 · flags u8 · zero u8 · body bytes u32 ·
 * entry u64 · offset u64 · number u64. Relays see none of it.
 */
export interface RecordHeader {
  readonly kind: number;
  /** How the body is laid out: 0 is plain bytes. */
  readonly layout: number;
  /** content: the body is not sealed. Sealing sets it, for a key that says so. Default: false. */
  readonly hasPlainBody?: boolean;
  readonly bodyBytes: number;
  /** content: the entry's id. control: the message's number, 0 for a bare acknowledgement. */
  readonly entry: number;
  /** content: offset in the entry. control: the highest message number received without a gap. */
  readonly offset: number;
  /** content: the record's number in the transfer. control: 0. */
  readonly number: number;
}

export function encodeRecordHeader(header: RecordHeader): Uint8Array {
  const bytes = Buffer.alloc(recordLayout.headerBytes);
  bytes[0] = header.kind;
  bytes[1] = header.layout;
  bytes.writeUInt32BE(header.bodyBytes, 4);
  writeUint53(bytes, header.entry, 8);
  writeUint53(bytes, header.offset, 16);
  writeUint53(bytes, header.number, 24);
  return bytes;
}

/** undefined for anything that `encodeRecordHeader` does not write, but for the flag of a plain body. */
export function decodeRecordHeader(bytes: Uint8Array): RecordHeader | undefined {
  if (bytes.length !== recordLayout.headerBytes || bytes[3] !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = view.getUint8(0);
  if (kind !== recordKind.control && kind !== recordKind.content) return undefined;
  const flags = view.getUint8(recordLayout.flagsAt);
  const hasPlainBody = flags === recordLayout.plainBody && kind === recordKind.content;
  if (flags !== 0 && !hasPlainBody) return undefined;
  const entry = readUint53(view, 8);
  const offset = readUint53(view, 16);
  const number = readUint53(view, 24);
  if (entry > maxNumber || offset > maxNumber || number > maxNumber) return undefined;
  const header = { kind, layout: view.getUint8(1), bodyBytes: view.getUint32(4), entry, offset, number };
  return hasPlainBody ? { ...header, hasPlainBody } : header;
}

function writeUint53(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value % 2 ** 32, at + 4);
}

function readUint53(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
