import { transportApiVersion, type MuxBudget, type MuxConfig, type TransportDescriptor } from 'xfer/plugin';

export interface TcpOptions {
  /** In place of `muxDefaults`. */
  readonly mux?: Partial<MuxConfig>;
  /** Default: the one that all connections of the process share. */
  readonly budget?: MuxBudget;
}

export interface WsOptions extends TcpOptions {
  /** Certificates, in PEM, that vouch for a wss listener that is dialled. Default: those that Node trusts. */
  readonly ca?: string | Buffer;
}

/** Muxed streams over TCP; its listener takes WebSocket on the same port, too. Sockets are not touched before `load()`. */
export function tcp(options: TcpOptions = {}): TransportDescriptor {
  return {
    apiVersion: transportApiVersion,
    name: 'tcp',
    schemes: ['tcp'],
    load: async () => (await import('./tcp-transport.js')).tcpTransport(options),
  };
}

/** Muxed streams over WebSocket, and over WebSocket in TLS. */
export function ws(options: WsOptions = {}): TransportDescriptor {
  return {
    apiVersion: transportApiVersion,
    name: 'ws',
    schemes: ['ws', 'wss'],
    load: async () => (await import('./ws-transport.js')).wsTransport(options),
  };
}
