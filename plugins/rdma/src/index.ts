import { transportApiVersion, type TransportDescriptor } from 'xfer/plugin';
import type { RdmaOptions } from './rdma-options.js';

export type { RdmaOptions };

/** Streams over fabrics through libfabric: EFA, verbs, and the software providers that any machine has. Nothing is loaded before `load()`. */
export function rdma(options: RdmaOptions = {}): TransportDescriptor {
  return {
    apiVersion: transportApiVersion,
    name: 'rdma',
    schemes: ['rdma', 'rdma+efa', 'rdma+verbs', 'rdma+tcp', 'rdma+shm'],
    load: async () => (await import('./rdma-transport.js')).rdmaTransport(options),
  };
}
