import { recordLayout, type RecordKey } from './api.js';
import { requireBodyBytes, requireBytes, requireHeader, requireKey } from './arguments.js';
import { bodyOf, headerOf, sealInPlace } from './record-cipher.js';

/**
 * A small record from memory, such as control messages: synchronous, so for bodies of some KiB. `header` is
 * 32 bytes, its bodyBytesAt is filled in; nothing given is changed but `out`, where the record begins, and which has
 * room for it. Default of `out`: memory of its own. Throws TypeError or RangeError on arguments of a wrong shape.
 */
export function sealRecord(
  key: RecordKey,
  header: Uint8Array,
  body: Uint8Array,
  out?: Uint8Array,
): Uint8Array {
  requireKey(key);
  requireHeader(header);
  requireBytes(body, 'body');
  requireBodyBytes(body.length);
  const bytes = recordLayout.overheadBytes + body.length;
  if (out !== undefined) requireBytes(out, 'out');
  const record = out ? out.subarray(0, bytes) : new Uint8Array(bytes);
  if (record.length < bytes) throw new RangeError('out is too small for the record');
  record.set(body, recordLayout.bodyAt);
  sealInPlace(key, header, record, body.length);
  return record;
}

/**
 * The verified 32-byte header of a record of which at least the first 52 bytes (bodyAt) are there; its body length
 * agrees with the length in clear. ERR_XFER_TAMPERED where it does not verify.
 */
export function openHeader(key: RecordKey, record: Uint8Array): Uint8Array {
  requireKey(key);
  requireBytes(record, 'record');
  return headerOf(key, record);
}

/**
 * A whole record, opened into memory of its own; `record` is not changed. ERR_XFER_TAMPERED where either part does
 * not verify or the length is not that of `record`.
 */
export function openRecord(key: RecordKey, record: Uint8Array): { header: Uint8Array; body: Uint8Array } {
  const header = openHeader(key, record);
  return { header, body: bodyOf(key, record) };
}
