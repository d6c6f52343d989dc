/** Numbers of frames, highest byte first. What is past the end counts as 0. */
export const u16At = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

export const u32At = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)) >>>
  0;

export const u48At = (bytes: Uint8Array, at: number): number =>
  u16At(bytes, at) * 2 ** 32 + u32At(bytes, at + 2);
