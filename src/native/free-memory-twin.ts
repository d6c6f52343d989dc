import { requireBytes } from './arguments.js';

/** V8 gives it back when it collects it. */
export function freeMemoryTwin(bytes: Uint8Array): void {
  requireBytes(bytes, 'bytes');
  if (bytes.length !== bytes.buffer.byteLength)
    throw new RangeError('bytes must be all of their ArrayBuffer');
}
