import { asXferError, type XferError } from '../errors/index.js';
import { OpenRefused, type Stream } from '../transport/contract.js';

/** What a refusal was about where the path has several hops, which can tell; else undefined. */
export function refusalOf({ connection }: Stream, error: unknown): XferError | undefined {
  if (!(error instanceof OpenRefused)) return undefined;
  const told = connection.explain?.(error.detail, false);
  return told && asXferError(told);
}

/** What a reset was about, as `refusalOf`. */
export function resetOf({ connection }: Stream, detail: Uint8Array, isOver: boolean): XferError | undefined {
  const told = connection.explain?.(detail, isOver);
  return told && asXferError(told);
}
