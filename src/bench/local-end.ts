import type { TransportTuning } from '../transport/contract.js';
import type { BenchPlace } from './contract.js';
import { startListeningChild } from './listening-child.js';
import { loopback } from './places.js';
import { tuningFlagsOf } from './tuning-flags-of.js';

export interface LocalBench {
  readonly address: string;
  /** Where it was started here. */
  readonly pid?: number;
  /** Ends it if it still runs. */
  stop(): void;
}

/** Starts the other end of a bench as a child process, at the far end of the place. */
export async function startLocalBench(
  scheme: string,
  tuning: TransportTuning = {},
  { far, farHost }: BenchPlace = loopback,
): Promise<LocalBench> {
  const args = ['bench', '--serve', `${scheme}://${farHost}:0`, ...tuningFlagsOf(tuning)];
  return startListeningChild(args, { prefix: far });
}
