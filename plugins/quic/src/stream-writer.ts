import type { QuicStream } from './binding.js';

/** A write this large is worth more than a copy; what is smaller goes with what is beside it. */
const wholeBytes = 64 * 1024;

/** Writes all of it, in as few goes as can be without copying much. One call at a time. Rejects as the binding does. */
export async function writeAll(stream: QuicStream, chunks: readonly Uint8Array[]): Promise<void> {
  for (const piece of gathered(chunks)) await stream.write(piece);
}

/** The same bytes in fewer pieces: small ones are copied together, large ones stay where they are. */
export function gathered(chunks: readonly Uint8Array[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  let smallBytes = 0;
  const flush = (): void => {
    const [only] = small;
    if (only && smallBytes > 0) pieces.push(small.length === 1 ? only : Buffer.concat(small, smallBytes));
    small = [];
    smallBytes = 0;
  };
  for (const chunk of chunks) {
    if (chunk.length >= wholeBytes) {
      flush();
      pieces.push(chunk);
      continue;
    }
    small.push(chunk);
    smallBytes += chunk.length;
    if (smallBytes >= wholeBytes) flush();
  }
  flush();
  return pieces;
}
