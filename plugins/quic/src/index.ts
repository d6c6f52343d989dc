import { transportApiVersion, type TransportDescriptor } from 'xfer/plugin';

/** QUIC (RFC 9000) by quinn. Nothing native is loaded before `load()`. */
export function quic(): TransportDescriptor {
  return {
    apiVersion: transportApiVersion,
    name: 'quic',
    schemes: ['quic'],
    load: async () => (await import('./quic-transport.js')).quicTransport(),
  };
}
