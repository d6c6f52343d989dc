import { transportApiVersion, type MuxBudget, type MuxConfig, type TransportDescriptor } from 'xfer/plugin';

export interface TcpOptions {
  /** In place of `muxDefaults`. */
  readonly mux?: Partial<MuxConfig>;
  /** Default: the one that all connections of the process share. */
  readonly budget?: MuxBudget;
}

/** Muxed streams over TCP. Sockets are not touched before `load()`. */
export function tcp(options: TcpOptions = {}): TransportDescriptor {
  return {
    apiVersion: transportApiVersion,
    name: 'tcp',
    schemes: ['tcp'],
    load: async () => (await import('./tcp-transport.js')).tcpTransport(options),
  };
}
