import { decode, encode } from 'cborg';
import * as v from 'valibot';
import { XferError } from '../errors/index.js';
import { shapeEnd } from './cbor-shape.js';

/** Nesting of a control message; none of ours needs half of it. */
const maxDepth = 16;

/** Text of at most `maxBytes` of UTF-8. */
export function boundedText(maxBytes: number) {
  return v.pipe(v.string(), v.maxBytes(maxBytes));
}

/** Bytes, at most `maxBytes` of them. */
export function boundedBytes(maxBytes: number) {
  return v.pipe(
    v.instance(Uint8Array),
    v.check((value) => value.length <= maxBytes, 'too long'),
  );
}

/** Exactly so many bytes. */
export function exactBytes(bytes: number) {
  return v.pipe(
    v.instance(Uint8Array),
    v.check((value) => value.length === bytes, 'not of its length'),
  );
}

/** An integer from `lowest` to `highest`, both within ±(2^53 − 1). */
export function boundedInteger(lowest = 0, highest = Number.MAX_SAFE_INTEGER) {
  return v.pipe(v.number(), v.safeInteger(), v.minValue(lowest), v.maxValue(highest));
}

/** At most `maxItems` of `item`. */
export function boundedArray<Item extends v.GenericSchema>(item: Item, maxItems: number) {
  return v.pipe(v.array(item), v.maxLength(maxItems));
}

/**
 * One control message of a peer: its size is checked before anything else, then its shape, and only then is it
 * decoded and held against `schema`. Fields that the schema does not name are dropped. Throws ERR_XFER_PROTOCOL.
 */
export function decodeMessage<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
  maxBytes: number,
): v.InferOutput<Schema> {
  const { message, rest } = decodeHead(schema, bytes, maxBytes);
  if (rest.length > 0) throw hasMore();
  return message;
}

/** The same where bytes may stand behind the message: `rest`, in `bytes`. */
export function decodeHead<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
  maxBytes: number,
): { readonly message: v.InferOutput<Schema>; readonly rest: Uint8Array } {
  if (bytes.length > maxBytes)
    throw new XferError(
      'ERR_XFER_PROTOCOL',
      `a control message has ${bytes.length} bytes, more than ${maxBytes}`,
    );
  const end = shapeEnd(bytes, maxDepth);
  const result = v.safeParse(schema, decodeStrictly(bytes.subarray(0, end)), { abortEarly: true });
  if (result.success) return { message: result.output, rest: bytes.subarray(end) };
  throw new XferError(
    'ERR_XFER_PROTOCOL',
    `a control message does not fit its schema at ${placeOf(result.issues[0])}`,
  );
}

/** Of a message that has bytes behind it where there may be none. */
export const hasMore = () => new XferError('ERR_XFER_PROTOCOL', 'a control message has bytes behind its end');

/** The message as CBOR. Fields that are undefined are left out. */
export function encodeMessage(message: Readonly<Record<string, unknown>>): Uint8Array {
  return encode(message, { ignoreUndefinedProperties: true });
}

/** Keys may be the peer's words: nothing of them but plain letters is shown. */
function placeOf(issue: v.BaseIssue<unknown>): string {
  return (v.getDotPath(issue) ?? 'its top').replace(/[^\w. ]/g, '?').slice(0, 64);
}

function decodeStrictly(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
      rejectDuplicateMapKeys: true,
    });
  } catch (cause) {
    throw new XferError('ERR_XFER_PROTOCOL', 'a control message is no CBOR', { cause });
  }
}
