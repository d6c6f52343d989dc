import { MuxConnection, type ConnectionLimits, type MuxConnectionOptions } from 'xfer/plugin';
import type { UdpOptions } from './udp-context.js';

interface Over extends Omit<MuxConnectionOptions, 'config' | 'budget' | 'limits'> {
  readonly limits: ConnectionLimits | undefined;
}

/** A connection over a link, as the transport's options say. */
export function muxOver({ limits, ...over }: Over, { mux, budget }: UdpOptions): MuxConnection {
  return new MuxConnection({
    ...over,
    ...(mux ? { config: mux } : {}),
    ...(limits ? { limits } : {}),
    ...(budget ? { budget } : {}),
  });
}
