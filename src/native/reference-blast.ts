import { loadAddon, type Addon } from './addon.js';
import { buildCommand, packageDirectory } from './build-command.js';

export interface ReferenceBlast {
  readonly bytes: number;
  readonly seconds: number;
}

export type ReferenceFinding =
  | {
      readonly ok: true;
      /** For that long, a second at most; a process that ends waits for it. Rejects with the error of a system call. */
      readonly blast: (milliseconds: number) => Promise<ReferenceBlast>;
    }
  | { readonly ok: false; readonly reason: string; readonly remedy: string };

/**
 * Sends over one TCP connection on loopback, from thread to thread and in native code alone: what the kernel and the memory
 * of this machine give to a single stream. A yardstick, and nothing that xfer does: so it has no twin.
 */
export function referenceBlast(): ReferenceFinding {
  if (process.env['XFER_NATIVE'] === 'off')
    return { ok: false, reason: 'it is native code, and XFER_NATIVE=off', remedy: 'unset XFER_NATIVE' };
  try {
    return { ok: true, blast: blastOf(loadAddon()) };
  } catch {
    const remedy = `run \`${buildCommand(packageDirectory())}\``;
    return { ok: false, reason: 'the native addon was not built', remedy };
  }
}

const blastOf =
  (addon: Addon) =>
  (milliseconds: number): Promise<ReferenceBlast> =>
    new Promise((resolve, reject) =>
      addon.referenceBlast(milliseconds, (error, blast) => (error ? reject(error) : resolve(blast))),
    );
