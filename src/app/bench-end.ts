import { benchDefaults, sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { SessionOptions } from '../session/session.js';

/** What a bench wants of an end that it has started; no user can say it. */
export interface BenchEnd {
  /** Content goes unsealed to an end that has the same 32 bytes, in hexadecimal digits, and to no other. */
  readonly unsealedKey?: string;
  /** Bytes of content in a record, at most. */
  readonly recordBytes?: number;
  /** Names that a receiver takes, directories and links included. */
  readonly maxEntries?: number;
}

/**
 * Reads what stands in XFER_BENCH_END. Throws ERR_XFER_USAGE where it is nothing that a bench says, or this process is none's
 * child: where it came into the environment by mistake nothing is sent, sealed or not.
 */
export function readBenchEnd(text: string | undefined, isChild: boolean): BenchEnd | undefined {
  if (text === undefined || text === '') return undefined;
  const read = isChild ? parsed(text) : undefined;
  if (read && isBenchEnd(read)) return read;
  throw new XferError(
    'ERR_XFER_USAGE',
    'XFER_BENCH_END is for processes that xfer bench starts, and them alone',
    {
      remedy: 'unset XFER_BENCH_END',
    },
  );
}

/** Options of its session. */
export function benchedSession(bench: BenchEnd = {}): Pick<SessionOptions, 'benchKey' | 'recordBytes'> {
  const { unsealedKey, recordBytes } = bench;
  return {
    ...(unsealedKey === undefined ? {} : { benchKey: Uint8Array.from(Buffer.from(unsealedKey, 'hex')) }),
    ...(recordBytes === undefined ? {} : { recordBytes }),
  };
}

function parsed(text: string): BenchEnd | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null ? read : undefined;
  } catch {
    return undefined;
  }
}

function isBenchEnd({ unsealedKey, recordBytes, maxEntries, ...rest }: BenchEnd): boolean {
  if (Object.keys(rest).length > 0) return false;
  if (maxEntries !== undefined && !(Number.isInteger(maxEntries) && maxEntries > 0)) return false;
  const least = benchDefaults.minRecordBytes;
  const fits =
    recordBytes === undefined ||
    (Number.isInteger(recordBytes) && recordBytes >= least && recordBytes <= sessionDefaults.recordBytes);
  return fits && (unsealedKey === undefined || /^[0-9a-f]{64}$/.test(unsealedKey));
}
