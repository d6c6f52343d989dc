import type { TransportDescriptor } from 'xfer/plugin';
import { rdma } from './index.js';

/** The oclif hook `xfer:transports`. */
export default function transports(): Promise<readonly TransportDescriptor[]> {
  return Promise.resolve([rdma()]);
}
