import type { TransportMemory } from '../transport/contract.js';
import { smallRecordBytes, type RecordBuffers } from './record-buffers.js';

/** Memory for one record, and the way back to where it is from: to be called once, when nobody reads or writes it. */
export interface RecordMemory {
  /** At least as long as was asked for, contents undefined. */
  readonly buffer: Buffer;
  release(): void;
}

/** In memory that the transport sends from where the record is large and it has some to spare; else in our own. */
export function recordMemory(
  bytes: number,
  buffers: RecordBuffers,
  transport: TransportMemory | undefined,
): RecordMemory {
  const lent = bytes > smallRecordBytes ? transport?.acquire(bytes) : undefined;
  if (lent && transport) return { buffer: lent, release: () => transport.release(lent) };
  const buffer = buffers.acquire(bytes);
  return { buffer, release: () => buffers.release(buffer) };
}
