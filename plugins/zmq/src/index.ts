import { endpointApiVersion, type EndpointDescriptor } from 'xfer/plugin';
import { patternNames } from './patterns.js';

export { zmqConfig, type ZmqConfig } from './config.js';

/** ZeroMQ sockets as ends of pipes. Nothing native is loaded before one is opened. */
export function zmq(): EndpointDescriptor {
  return {
    apiVersion: endpointApiVersion,
    name: 'zmq',
    schemes: patternNames.map((name) => `zmq+${name}`),
    load: async () => (await import('./zmq-kind.js')).zmqKind(),
  };
}
