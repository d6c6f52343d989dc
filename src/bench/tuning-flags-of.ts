import type { TransportTuning } from '../transport/contract.js';

/** A tuning as it is said on the command line of another xfer. */
export function tuningFlagsOf({ congestion, mtuBytes, provider }: TransportTuning): readonly string[] {
  return [
    ...(congestion === undefined ? [] : ['--cc', congestion]),
    ...(mtuBytes === undefined ? [] : ['--mtu', String(mtuBytes)]),
    ...(provider === undefined ? [] : ['--provider', provider]),
  ];
}
