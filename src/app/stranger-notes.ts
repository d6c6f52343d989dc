import type { ErrorCode, XferError } from '../errors/index.js';
import { printable } from '../transfer/printable.js';

/** A kind of failure is told of at most this often, so that strangers cannot fill a screen or a log. */
const intervalMs = 10_000;

/** Failures by which somebody who is no stranger may be kept out, and needs the user's help. */
const worthTelling: Readonly<Partial<Record<ErrorCode, string>>> = {
  ERR_XFER_UNKNOWN_PEER: 'pair with a code and --remember on both sides',
  ERR_XFER_NO_CODE: 'a code that was given is always asked for',
  ERR_XFER_HANDSHAKE: 'it may have pinned another key of this machine, or somebody is in the middle',
};

/** What a user hears of peers that came no further than the handshake: it ends nothing, and most of it is noise. */
export class StrangerNotes {
  readonly #toldAtMs = new Map<ErrorCode, number>();

  /** The words for a note, if there is to be one. */
  noteOf(error: XferError, host: string, nowMs: number): string | undefined {
    const hint = worthTelling[error.code];
    const before = this.#toldAtMs.get(error.code) ?? -Infinity;
    if (hint === undefined || nowMs - before < intervalMs) return undefined;
    this.#toldAtMs.set(error.code, nowMs);
    return `nothing was taken from ${printable(host)}: ${error.message} (${hint})`;
  }
}
