import { transportApiVersion, type TransportDescriptor } from 'xfer/plugin';
import type { UdpOptions } from './udp-context.js';

export type { UdpOptions };
export { udpConfig, type UdpConfig } from './config.js';

/** Reliable streams over batched UDP datagrams. No socket is touched before `load()`. */
export function udp(options: UdpOptions = {}): TransportDescriptor {
  return {
    apiVersion: transportApiVersion,
    name: 'udp',
    schemes: ['udp'],
    load: async () => (await import('./udp-transport.js')).udpTransport(options),
  };
}
