import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { recordLayout, type SealApi } from '../native/api.js';
import type { SealedContent } from '../session/lane.js';
import { compressedLayout, decompress, plainLength } from './lz4.js';

/** Content whose body stands in memory, verified and plain. Its header is that of the plain content. */
export interface PlainContent extends SealedContent {
  readonly body: Uint8Array;
}

export const isPlain = (content: SealedContent): content is PlainContent => 'body' in content;

/**
 * Opens a compressed record and gives its plain content; the sealed record's memory is given back then. `mayGrow` is
 * asked with what it grows by before anything is allocated. Rejects with ERR_XFER_TAMPERED, or with ERR_XFER_PROTOCOL
 * for what is not compressed content or may not be held.
 */
export async function inflate(
  seal: SealApi,
  content: SealedContent,
  mayGrow: (bytes: number) => boolean,
): Promise<PlainContent> {
  const { key, record, header } = content;
  const bytes = await new Promise<number>((resolve, reject) => {
    seal.openBody({ ...key, record }, (error, bodyBytes) => (error ? reject(error) : resolve(bodyBytes)));
  });
  const body = record.subarray(recordLayout.bodyAt, recordLayout.bodyAt + bytes);
  const plainBytes = plainLength(body, sessionDefaults.recordBytes);
  if (plainBytes === undefined) throw breach('it compresses what is no record');
  if (!mayGrow(plainBytes - bytes)) throw breach('it sends more content than was asked for');
  const plain = await decompress(body, plainBytes);
  if (!plain) throw breach('it sends a block that is no LZ4');
  content.release();
  return {
    ...content,
    header: { ...header, layout: header.layout & ~compressedLayout, bodyBytes: plainBytes },
    body: plain,
    release: () => undefined,
  };
}

const breach = (what: string) =>
  new XferError('ERR_XFER_PROTOCOL', `the sender breaks the protocol: ${what}`);
