import { createCipheriv, createDecipheriv } from 'node:crypto';
import { XferError } from '../errors/index.js';
import { cipher as ciphers, recordLayout, type RecordKey } from './api.js';

const { lengthBytes, tagBytes, bodyAt, flagsAt, plainBody, bodyBytesAt, overheadBytes } = recordLayout;
const options = { authTagLength: tagBytes };

/** A copy that stays as it is whatever becomes of the one that was given. */
export const keptKey = ({ cipher, key, counter, plain = false }: RecordKey): RecordKey => ({
  ...{ cipher, counter, plain },
  key: Uint8Array.from(key),
});

/** Seals in place: out[bodyAt, + bodyBytes) is the plain body, if not `from`, then out[0, overheadBytes + bodyBytes) the record. */
export function sealInPlace(
  key: RecordKey,
  header: Uint8Array,
  out: Uint8Array,
  bodyBytes: number,
  from = out.subarray(bodyAt, bodyAt + bodyBytes),
): void {
  const view = viewOf(out);
  view.setUint32(0, overheadBytes - lengthBytes + bodyBytes);
  const plainHeader = Buffer.from(header);
  plainHeader.writeUInt32BE(bodyBytes, bodyBytesAt);
  if (key.plain) plainHeader[flagsAt] = (plainHeader[flagsAt] ?? 0) | plainBody;
  sealPart(
    key,
    2 * key.counter,
    out.subarray(0, lengthBytes),
    plainHeader,
    out.subarray(lengthBytes, bodyAt),
  );
  const body = out.subarray(bodyAt, overheadBytes + bodyBytes);
  if (!key.plain) return sealPart(key, 2 * key.counter + 1, out.subarray(lengthBytes, bodyAt), from, body);
  body.set(from);
  body.fill(0, bodyBytes);
}

/** The plain header of a record of which at least the first bodyAt bytes are there. */
export function headerOf(key: RecordKey, record: Uint8Array): Buffer {
  if (record.length < bodyAt) throw tampered();
  const length = viewOf(record).getUint32(0);
  const header = openPart(
    key,
    2 * key.counter,
    record.subarray(0, lengthBytes),
    record.subarray(lengthBytes, bodyAt),
  );
  // Both are authenticated; a sender that seals two different lengths is no xfer.
  if (length !== overheadBytes - lengthBytes + header.readUInt32BE(bodyBytesAt)) throw tampered();
  return header;
}

/** The body of a whole record; the record itself is not changed. Where `key` says that it is plain, the header must say so too. */
export function bodyOf(key: RecordKey, record: Uint8Array): Buffer {
  if (record.length < overheadBytes || viewOf(record).getUint32(0) !== record.length - lengthBytes)
    throw tampered();
  if (key.plain) return plainBodyOf(key, record);
  return openPart(key, 2 * key.counter + 1, record.subarray(lengthBytes, bodyAt), record.subarray(bodyAt));
}

function plainBodyOf(key: RecordKey, record: Uint8Array): Buffer {
  const tagAt = record.length - tagBytes;
  const isMarked = ((headerOf(key, record)[flagsAt] ?? 0) & plainBody) !== 0;
  if (!isMarked || record.subarray(tagAt).some((byte) => byte !== 0)) throw tampered();
  return Buffer.from(record.subarray(bodyAt, tagAt));
}

function sealPart(
  key: RecordKey,
  number: number,
  associated: Uint8Array,
  plain: Uint8Array,
  to: Uint8Array,
): void {
  const nonce = nonceOf(number);
  const sealer =
    key.cipher === ciphers.aes256gcm
      ? createCipheriv('aes-256-gcm', key.key, nonce, options)
      : createCipheriv('chacha20-poly1305', key.key, nonce, options);
  sealer.setAAD(associated, { plaintextLength: plain.length });
  const sealed = sealer.update(plain);
  sealer.final();
  to.set(sealed, 0);
  to.set(sealer.getAuthTag(), sealed.length);
}

function openPart(key: RecordKey, number: number, associated: Uint8Array, sealed: Uint8Array): Buffer {
  const nonce = nonceOf(number);
  const bodyBytes = sealed.length - tagBytes;
  const opener =
    key.cipher === ciphers.aes256gcm
      ? createDecipheriv('aes-256-gcm', key.key, nonce, options)
      : createDecipheriv('chacha20-poly1305', key.key, nonce, options);
  opener.setAAD(associated, { plaintextLength: bodyBytes });
  opener.setAuthTag(sealed.subarray(bodyBytes));
  const plain = opener.update(sealed.subarray(0, bodyBytes));
  try {
    opener.final();
  } catch {
    plain.fill(0);
    throw tampered();
  }
  return plain;
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tampered(): XferError {
  return new XferError('ERR_XFER_TAMPERED', 'a sealed record did not verify');
}
