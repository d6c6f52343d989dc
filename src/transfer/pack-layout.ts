/** `layout` of a record of many small files: `entry` is the id of the first of them, `offset` that of the last. */
export const packedLayout = 1;

/** Bytes of the table: a count, and for each file its id less that of the first, and its bytes. */
export const packCountBytes = 4;
export const packRowBytes = 8;
/** In the place of a file's bytes: it could not be read, and nothing of it follows. */
export const packMissing = 0xffffffff;

export interface PackedFile {
  readonly id: number;
  /** Where its content begins in the body. */
  readonly at: number;
  /** Bytes; undefined where the sender could not read it. */
  readonly bytes: number | undefined;
}

/** The table of a packed body; undefined for what is none: ids that do not rise, contents that do not fill it. */
export function readPack(
  body: Uint8Array,
  { first, last }: { readonly first: number; readonly last: number },
): PackedFile[] | undefined {
  if (body.length < packCountBytes) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const count = view.getUint32(0);
  let at = packCountBytes + packRowBytes * count;
  if (count === 0 || at > body.length) return undefined;
  const files: PackedFile[] = [];
  let before = -1;
  for (let i = 0; i < count; i++) {
    const row = packCountBytes + packRowBytes * i;
    const [delta, bytes] = [view.getUint32(row), view.getUint32(row + 4)];
    if (delta <= before) return undefined;
    before = delta;
    const isMissing = bytes === packMissing;
    files.push({ id: first + delta, at, bytes: isMissing ? undefined : bytes });
    if (!isMissing) at += bytes;
    if (at > body.length) return undefined;
  }
  return at === body.length && files.at(0)?.id === first && files.at(-1)?.id === last ? files : undefined;
}
