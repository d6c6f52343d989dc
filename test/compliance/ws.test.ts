import { tcp, ws } from '@xfer/mux';
import { transportCompliance } from 'xfer/compliance';
import type { Address, Transport, TransportDescriptor } from 'xfer/plugin';
import { tlsIdentity } from '../support/tls-identity.js';

const at = (scheme: string, host: string, port: number): Address => ({ scheme, host, port });

transportCompliance('ws', () => ({
  descriptor: ws(),
  listenAt: at('ws', '127.0.0.1', 0),
  nobodyAt: at('ws', '127.0.0.1', 1),
}));

transportCompliance('wss over IPv6', () => ({
  descriptor: listening(ws({ ca: tlsIdentity.certificate }), (transport, to, options) =>
    transport.listen(to, { ...options, tls: tlsIdentity }),
  ),
  listenAt: at('wss', '::1', 0),
  nobodyAt: at('wss', '::1', 1),
}));

transportCompliance('ws to the port of a tcp listener', () => ({
  descriptor: listening(ws(), async (_transport, to, options) => {
    const shared = await (await tcp().load()).listen({ ...to, scheme: 'tcp' }, options);
    return { address: { ...shared.address, scheme: 'ws' }, close: () => shared.close() };
  }),
  listenAt: at('ws', '127.0.0.1', 0),
  nobodyAt: at('ws', '127.0.0.1', 1),
}));

/** The same transport, with another way to listen. */
function listening(
  descriptor: TransportDescriptor,
  listen: (transport: Transport, ...how: Parameters<Transport['listen']>) => ReturnType<Transport['listen']>,
): TransportDescriptor {
  return {
    ...descriptor,
    load: async () => {
      const transport = await descriptor.load();
      return { ...transport, listen: (to, options) => listen(transport, to, options) };
    },
  };
}
