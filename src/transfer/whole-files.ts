import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { Hello } from '../session/hello.js';
import { printable } from './printable.js';
import type { SourceEntry } from './source-entry.js';

/** The largest file that a receiver takes which does not have `streaming`: each in one record. undefined: it has. */
export function wholeFileBytes({ capabilities, streamingThresholdBytes }: Hello): number | undefined {
  if (capabilities.includes('streaming')) return undefined;
  return Math.min(streamingThresholdBytes, sessionDefaults.recordBytes);
}

/** Looks through all that is to be sent. Rejects with ERR_XFER_NO_STREAMING at the first file that is larger. */
export async function checkWholeFiles(
  batches: AsyncIterable<readonly SourceEntry[]>,
  mostBytes: number,
): Promise<void> {
  for await (const entries of batches)
    for (const entry of entries) if (entry.size > mostBytes) throw tooLarge(entry, mostBytes);
}

export const tooLarge = ({ source, size }: SourceEntry, mostBytes: number) =>
  new XferError(
    'ERR_XFER_NO_STREAMING',
    `the receiver takes files of up to ${mostBytes} bytes only, and ${printable(source)} has ${size}`,
  );
