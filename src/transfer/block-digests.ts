import type { SealApi } from '../native/api.js';

/** Content is compared in blocks of so much: what a record holds at most. */
export const blockBytes = 1024 * 1024;
/** Of a block's SHA-256 so much is told. */
export const blockDigestBytes = 16;
/** Digests of one message. */
export const mostBlockDigests = 2048;

/** Digest of the block that begins at `position`; undefined where fewer bytes are there. Rejects with an errno error. */
export function blockDigest(
  seal: SealApi,
  fd: number,
  position: number,
  bytes: number,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    seal.digestFile({ fd, position, bytes }, (error, digest, bytesRead) => {
      if (error) reject(error);
      else resolve(bytesRead === bytes ? digest.slice(0, blockDigestBytes) : undefined);
    });
  });
}

/** Where block number `block` of a file of `size` bytes lies. */
export function blockAt(block: number, size: number): readonly [from: number, to: number] {
  return [block * blockBytes, Math.min(size, (block + 1) * blockBytes)];
}
