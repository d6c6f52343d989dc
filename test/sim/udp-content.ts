import { FuzzRandom } from '../support/fuzz-random.js';

/** A prime, so that no two streams or offsets that are far apart begin alike. */
const length = 1_000_003;
const pattern = new Uint8Array(new FuzzRandom(4840).bytes(length));

const startOf = (streamId: number, side: number, offset: number): number =>
  (offset + streamId * 7919 + side * 104_729) % length;

/** What the streams of a side consist of, without being made: slices of one buffer. */
export function contentOf(streamId: number, side: number, offset: number, bytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let start = startOf(streamId, side, offset), left = bytes; left > 0; start = 0) {
    const chunk = pattern.subarray(start, Math.min(length, start + left));
    chunks.push(chunk);
    left -= chunk.length;
  }
  return chunks;
}

/** Whether `bytes` are what stands there. */
export function isContent(bytes: Uint8Array, streamId: number, side: number, offset: number): boolean {
  let at = 0;
  return contentOf(streamId, side, offset, bytes.length).every((chunk) => {
    const part = bytes.subarray(at, (at += chunk.length));
    return chunk.length === part.length && Buffer.compare(chunk, part) === 0;
  });
}
