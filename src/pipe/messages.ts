import * as v from 'valibot';
import { sessionDefaults } from '../config/index.js';
import { decodeMessage, encodeMessage } from '../session/schema.js';
import type { Framing } from './channel.js';

/** Ranges [from, to) of record numbers. */
export type RecordRanges = readonly (readonly [from: number, to: number])[];

/**
 * Control messages of a session with channels. Each way has records of content of its own, numbered from 0; `entry` of a
 * record is the channel's id, `offset` where in that way of the channel its plain content begins.
 */
export type PipeMessage =
  /** Of the dialer: a new channel. Ids count up from 0. `up`: how what goes up is cut. Content may follow at once. */
  | {
      readonly type: 'open';
      readonly id: number;
      readonly up?: Framing | undefined;
      readonly down?: boolean | undefined;
      readonly name?: string | undefined;
    }
  /** Of the listener: it is there. `down`: how what comes down is cut, where it was asked for. */
  | { readonly type: 'opened'; readonly id: number; readonly down?: Framing | undefined }
  /** Of the listener: there is no such channel. `code` is that of OPEN_ERR (chapter 1), `wire` an error's (chapter 5). */
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly code: number;
      readonly wire: number;
      readonly message: string;
    }
  /** Of who reads: content up to this offset may come. Never less than before. */
  | { readonly type: 'credit'; readonly id: number; readonly limit: number }
  /** Of who reads: these records verified and are held here: the other side need not keep them. */
  | { readonly type: 'received'; readonly ranges: RecordRanges }
  /** Of who reads: these records did not verify. */
  | { readonly type: 'again'; readonly ranges: RecordRanges }
  /** Of who writes: so many bytes are all. */
  | { readonly type: 'finish'; readonly id: number; readonly bytes: number }
  /** Of who reads: all of it has gone where it goes. */
  | { readonly type: 'delivered'; readonly id: number }
  /** Of who reads: nothing more is wanted, and why. */
  | { readonly type: 'stop'; readonly id: number; readonly wire: number; readonly message: string }
  /** Of who writes: what was sent is not all, and why. */
  | { readonly type: 'reset'; readonly id: number; readonly wire: number; readonly message: string }
  /** Of the dialer: there will be no more channels. */
  | { readonly type: 'end'; readonly channels: number }
  | { readonly type: 'abort'; readonly wire: number; readonly message: string };

/** Ranges that one message tells of. */
export const mostRecordRanges = 2048;
const maxReasonLength = 512;
/** Of a channel, in UTF-16 units. */
export const maxNameLength = 255;

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const wire = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff));
const reason = v.pipe(v.string(), v.maxLength(maxReasonLength));
const framing = v.picklist(['bytes', 'lines', 'len32']);
const ranges = v.pipe(v.array(v.strictTuple([count, count])), v.maxLength(mostRecordRanges));

const message = v.variant('type', [
  v.object({
    type: v.literal('open'),
    id: count,
    up: v.optional(framing),
    down: v.optional(v.boolean()),
    name: v.optional(v.pipe(v.string(), v.maxLength(maxNameLength))),
  }),
  v.object({ type: v.literal('opened'), id: count, down: v.optional(framing) }),
  v.object({ type: v.literal('refused'), id: count, code: wire, wire, message: reason }),
  v.object({ type: v.literal('credit'), id: count, limit: count }),
  v.object({ type: v.literal('received'), ranges }),
  v.object({ type: v.literal('again'), ranges }),
  v.object({ type: v.literal('finish'), id: count, bytes: count }),
  v.object({ type: v.literal('delivered'), id: count }),
  v.object({ type: v.literal('stop'), id: count, wire, message: reason }),
  v.object({ type: v.literal('reset'), id: count, wire, message: reason }),
  v.object({ type: v.literal('end'), channels: count }),
  v.object({ type: v.literal('abort'), wire, message: reason }),
]);

export function encodePipeMessage(value: PipeMessage): Uint8Array {
  return encodeMessage(value);
}

/** Throws ERR_XFER_PROTOCOL. Unknown fields are ignored. */
export function decodePipeMessage(bytes: Uint8Array): PipeMessage {
  return decodeMessage(message, bytes, sessionDefaults.maxControlBytes);
}
