import { MuxConnection, type ConnectionLimits, type MuxConnectionOptions } from 'xfer/plugin';
import type { TcpOptions } from './index.js';

interface Over extends Omit<MuxConnectionOptions, 'config' | 'budget' | 'limits'> {
  readonly limits: ConnectionLimits | undefined;
  /** What is left of the time for the hello, where some of it is spent. Default: all of it. */
  readonly helloTimeoutMs?: number;
}

/** A connection over a link, as the plugin's options say. */
export function muxOver(
  { limits, helloTimeoutMs, ...over }: Over,
  { mux, budget }: TcpOptions,
): MuxConnection {
  return new MuxConnection({
    ...over,
    config: { ...mux, ...(helloTimeoutMs === undefined ? {} : { helloTimeoutMs }) },
    ...(limits ? { limits } : {}),
    ...(budget ? { budget } : {}),
  });
}
