import type { EndpointDescriptor } from 'xfer/plugin';
import { zmq } from './index.js';

/** The oclif hook `xfer:endpoints`. */
export default function endpoints(): Promise<readonly EndpointDescriptor[]> {
  return Promise.resolve([zmq()]);
}
