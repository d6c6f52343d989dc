import { Flags } from '@oclif/core';
import { parseCongestion } from '../config/congestion.js';
import type { TransportTuning } from '../transport/contract.js';

/** How a transport is to use the network; those that leave it to the kernel ignore it. */
export const tuningFlags = {
  cc: Flags.string({
    description:
      'over udp: bbr (default), cubic, ledbat (yields to all others) or fixed:RATE, whatever is lost',
    helpValue: 'HOW',
  }),
  mtu: Flags.integer({
    description: 'over udp: the largest packet of the link, instead of finding it out; 1500 for Ethernet',
    helpValue: 'BYTES',
    // IPv6 asks as much of every link (RFC 8200 §5); an IP packet has no more.
    min: 1280,
    max: 65_535,
  }),
};

/** Their values as an option of the application. Throws ERR_XFER_USAGE. */
export function tuningOption({ cc, mtu }: { cc: string | undefined; mtu: number | undefined }): {
  tuning?: TransportTuning;
} {
  if (cc === undefined && mtu === undefined) return {};
  return {
    tuning: {
      ...(cc === undefined ? {} : { congestion: parseCongestion(cc) }),
      ...(mtu === undefined ? {} : { mtuBytes: mtu }),
    },
  };
}
