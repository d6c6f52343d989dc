import { createRequire } from 'node:module';

/** In `layout` of a record: the body is a length, and a block of LZ4. */
export const compressedLayout = 2;

/** The plain length before a block, little-endian. */
const lengthBytes = 4;

interface Lz4 {
  compress(bytes: Uint8Array): Promise<Buffer>;
  uncompress(bytes: Uint8Array): Promise<Buffer>;
}

let loaded: Lz4 | undefined;
let failed = false;

/** Whether this machine has it: its binaries are not made for every one. */
export function hasLz4(): boolean {
  try {
    if (!failed) loaded ??= createRequire(import.meta.url)('lz4-napi') as Lz4;
  } catch {
    failed = true;
  }
  return loaded !== undefined;
}

function lz4(): Lz4 {
  if (!hasLz4() || !loaded) throw new Error('lz4-napi has no binary for this machine');
  return loaded;
}

/** Length and block. */
export const compress = (plain: Uint8Array): Promise<Buffer> => lz4().compress(plain);

/** What a body says that it holds; undefined where that is nothing or more than `mostBytes`. */
export function plainLength(body: Uint8Array, mostBytes: number): number | undefined {
  if (body.length <= lengthBytes) return undefined;
  const bytes = new DataView(body.buffer, body.byteOffset, body.length).getUint32(0, true);
  return bytes > 0 && bytes <= mostBytes ? bytes : undefined;
}

/** The plain body; undefined where it is not what its length says, which `plainLength` has checked before. */
export async function decompress(body: Uint8Array, plainBytes: number): Promise<Buffer | undefined> {
  try {
    const plain = await lz4().uncompress(body);
    return plain.length === plainBytes ? plain : undefined;
  } catch {
    return undefined;
  }
}
