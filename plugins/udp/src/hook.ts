import type { TransportDescriptor } from 'xfer/plugin';

/** The oclif hook `xfer:transports`. */
export default function transports(): Promise<readonly TransportDescriptor[]> {
  return Promise.resolve([]);
}
