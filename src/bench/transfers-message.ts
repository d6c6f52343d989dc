import * as v from 'valibot';
import { benchDefaults, sessionDefaults } from '../config/index.js';
import { benchIdBytes } from './message.js';

/** Opening header of a stream by which a whole transfer is asked for: `xfer` 0A, a version, the bench. Lines of JSON go both ways then. */
const prefix = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 10, 1);

/** What is asked for by that: an end that waits to be dialled, `xfer recv`, or of a pipe `xfer pipe`. */
export type TransferRequest = v.InferOutput<typeof request>;

/** `start` once, `offer` before it, the others behind it. */
export type TransfersAsk = v.InferOutput<typeof ask>;

export type TransfersAnswer =
  | { readonly answer: 'offer'; readonly takesFiles: boolean }
  /** What the process told. */
  | { readonly answer: 'event'; readonly event: object }
  | { readonly answer: 'ended'; readonly cpuSeconds: number; readonly output: string }
  | { readonly answer: 'digest'; readonly digest: string }
  /** Nothing more comes behind it. */
  | { readonly answer: 'failed'; readonly code: string; readonly message: string; readonly remedy: string };

export function encodeTransfersHeader(id: Uint8Array): Uint8Array {
  return Uint8Array.of(...prefix, ...id);
}

/** undefined for every other header. */
export function decodeTransfersHeader(header: Uint8Array): { readonly id: Uint8Array } | undefined {
  const isRight = header.length === prefix.length + benchIdBytes;
  return isRight && prefix.every((byte, at) => header[at] === byte)
    ? { id: header.slice(prefix.length) }
    : undefined;
}

/** undefined: it is nothing that a bench asks. */
export function readTransfersAsk(line: object): TransfersAsk | undefined {
  const { success, output } = v.safeParse(ask, line);
  return success ? output : undefined;
}

/** undefined: it is nothing that the other end of a bench answers. */
export function readTransfersAnswer(line: object): TransfersAnswer | undefined {
  const { success, output } = v.safeParse(answer, line);
  return success ? output : undefined;
}

const whole = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const text = (most: number) => v.pipe(v.string(), v.maxLength(most));
const { maxContentBytes, maxMessageBytes, maxCount, checkedPipeBytes, minRecordBytes } = benchDefaults;

const common = {
  /** What it listens on; several share one port number. */
  schemes: v.pipe(
    v.array(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9+.-]{0,31}$/))),
    v.minLength(1),
    v.maxLength(8),
  ),
  /** By which the other end proves that it is the one who asks. */
  code: text(256),
  countsCpu: v.boolean(),
  /** As in `BenchEnd`. */
  unsealedKey: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  recordBytes: v.optional(whole(minRecordBytes, sessionDefaults.recordBytes)),
};
const request = v.variant('pattern', [
  v.strictObject({ ...common, pattern: v.literal('file'), bytes: whole(1, maxContentBytes) }),
  v.strictObject({
    ...{ ...common, pattern: v.literal('small-files') },
    ...{ bytes: whole(1, maxMessageBytes), count: whole(1, maxCount) },
  }),
  /** Goes both ways where `sent` says what comes out of it there: `bytes`, of a file that has `sourceBytes`, again and again. */
  v.strictObject({
    ...{ ...common, pattern: v.literal('pipe') },
    sent: v.optional(
      v.strictObject({ bytes: whole(1, maxContentBytes), sourceBytes: whole(1, maxContentBytes) }),
    ),
    /** What comes there is kept, so many bytes, and can be asked about. */
    keptBytes: v.optional(whole(1, checkedPipeBytes)),
  }),
]);
const ask = v.variant('ask', [
  v.strictObject({ ask: v.literal('offer') }),
  v.strictObject({ ask: v.literal('start'), request }),
  /** Processor time, from now on. */
  v.strictObject({ ask: v.literal('count') }),
  v.strictObject({ ask: v.literal('end-producer') }),
  /** What `contentDigest` makes of what arrived, or of the first bytes of what it sent itself. */
  v.strictObject({
    ask: v.literal('digest'),
    check: v.picklist(['sizes', 'content']),
    sentBytes: v.optional(whole(1, maxContentBytes)),
  }),
]);
const answer = v.variant('answer', [
  v.object({ answer: v.literal('offer'), takesFiles: v.boolean() }),
  v.object({ answer: v.literal('event'), event: v.looseObject({ event: text(64) }) }),
  v.object({ answer: v.literal('ended'), cpuSeconds: v.pipe(v.number(), v.minValue(0)), output: text(256) }),
  v.object({ answer: v.literal('digest'), digest: text(256) }),
  v.object({ answer: v.literal('failed'), code: text(64), message: text(1024), remedy: text(1024) }),
]);
