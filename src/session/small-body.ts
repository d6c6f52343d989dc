import { recordLayout, type NativeApi } from '../native/api.js';
import type { SealedContent } from './lane.js';

const { bodyAt } = recordLayout;
const nothing = new Uint8Array();

/**
 * Bodies up to this are sealed and opened at once, on the loop. A job on the pool takes 50 to 60 µs beside its work (two
 * threads wake each other), the work of 32 KiB takes 25 µs: below that a way by the pool costs the loop about as much as
 * the work itself, and delays what waits for it. Above it the work is better done beside the loop.
 */
export const mostAtOnceBytes = 32 * 1024;

/**
 * Verifies and opens the body of a content record of layout 0 (of others: what it is laid out as). `done` gets it before
 * this returns where it is small, else from the loop later; several may end in any order. The body may stand in the
 * record's memory: it is there until `content.release()`, which stays the caller's to call, after an error too. Errors:
 * ERR_XFER_TAMPERED.
 */
export function openBodyOf(
  { seal }: Pick<NativeApi, 'seal'>,
  { key, record, header }: Pick<SealedContent, 'key' | 'record' | 'header'>,
  done: (error: Error | null, body: Uint8Array) => void,
): void {
  if (header.bodyBytes > mostAtOnceBytes) {
    seal.openBody({ ...key, record }, (error, bodyBytes) => {
      done(error, error ? nothing : record.subarray(bodyAt, bodyAt + bodyBytes));
    });
    return;
  }
  let body: Uint8Array;
  try {
    body = seal.openSmall(key, record);
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)), nothing);
    return;
  }
  done(null, body);
}
