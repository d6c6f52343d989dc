import { transportApiVersion, type TransportDescriptor } from 'xfer/plugin';
import type { QuicOptions } from './quic-context.js';

export type { QuicOptions };
export { quicConfig, type QuicConfig } from './config.js';

/** QUIC (RFC 9000) by quinn. Nothing native is loaded before it is listened, dialled or probed with. */
export function quic(options: QuicOptions = {}): TransportDescriptor {
  return {
    apiVersion: transportApiVersion,
    name: 'quic',
    schemes: ['quic'],
    load: async () => (await import('./quic-transport.js')).quicTransport(options),
  };
}
