import { Flags } from '@oclif/core';
import { parseCongestion } from '../config/congestion.js';
import { parseFabricProvider } from '../config/fabric-provider.js';
import type { TransportTuning } from '../transport/contract.js';

/** Apart from the others for what only tries a path. */
export const providerFlag = {
  provider: Flags.string({
    description:
      'over rdma: the provider of libfabric, such as efa or "tcp;ofi_rxm" (default: the first that both ends have)',
    helpValue: 'NAME',
  }),
};

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
  ...providerFlag,
};

interface TuningFlags {
  readonly cc?: string | undefined;
  readonly mtu?: number | undefined;
  readonly provider: string | undefined;
}

/** Their values as an option of the application. Throws ERR_XFER_USAGE. */
export function tuningOption({ cc, mtu, provider }: TuningFlags): { tuning?: TransportTuning } {
  if (cc === undefined && mtu === undefined && provider === undefined) return {};
  return {
    tuning: {
      ...(cc === undefined ? {} : { congestion: parseCongestion(cc) }),
      ...(mtu === undefined ? {} : { mtuBytes: mtu }),
      ...(provider === undefined ? {} : { provider: parseFabricProvider(provider) }),
    },
  };
}
