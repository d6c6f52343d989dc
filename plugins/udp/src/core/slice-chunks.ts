/** The `bytes` bytes from `from` on of what the chunks hold together, without a copy. */
export function sliceChunks(
  chunks: readonly Uint8Array[],
  from: number,
  bytes: number,
): readonly Uint8Array[] {
  const slices: Uint8Array[] = [];
  let skip = from;
  let left = bytes;
  for (const chunk of chunks) {
    if (left === 0) break;
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    const slice = chunk.subarray(skip, skip + left);
    slices.push(slice);
    left -= slice.length;
    skip = 0;
  }
  return slices;
}
