import type { ContentJob } from '../session/content-job.js';
import { recordKind } from '../session/record-header.js';
import type { ContentCompressor } from './content-compressor.js';
import type { Outgoing } from './content-supply.js';
import { OutgoingPack } from './outgoing-pack.js';
import { packCountBytes, packedLayout, packRowBytes } from './pack-layout.js';
import type { Dispatch } from './scheduler-core.js';

/** What came of sealing a piece; as ContentDone has it. */
export interface Sealed {
  readonly error: Error | null;
  /** Content that was read. */
  readonly bytes: number;
  readonly problems: Int32Array | undefined;
  /** Of the record's body. */
  readonly sealedBytes: number;
}

/** A piece as a job of the lane that carries it. */
export function contentJob(
  { number, piece }: Dispatch<Outgoing>,
  compressor: ContentCompressor<Outgoing> | undefined,
): ContentJob {
  const { source, offset, bytes } = piece;
  const header = { kind: recordKind.content, bodyBytes: bytes, offset, number };
  if (source instanceof OutgoingPack) {
    const files = source.job();
    const packed = { ...header, layout: packedLayout, entry: source.firstId };
    return compressor?.wants(source)
      ? { fill: (body) => compressor.fillPack(source, files, packedLayout, body), header: packed }
      : { files, header: packed };
  }
  const { fd, direct } = source;
  const plain = { ...header, layout: 0, entry: source.entry.id };
  return compressor?.wants(source)
    ? { fill: (body) => compressor.fillFile(source, fd, offset, body), header: plain }
    : { fd, direct, header: plain };
}

/** The content of a packed body. */
export const packedContentBytes = (pack: OutgoingPack, bodyBytes: number): number =>
  Math.max(0, bodyBytes - packCountBytes - packRowBytes * pack.entries.length);

/** What of a sealed record counts as sent: its content, or what it was compressed to. */
export function sentBytes(source: Outgoing, { bytes, sealedBytes }: Sealed): number {
  if (!(source instanceof OutgoingPack) || sealedBytes < bytes) return sealedBytes;
  return packedContentBytes(source, bytes);
}
