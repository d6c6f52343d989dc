import type { Transport } from 'xfer/plugin';
import type { TcpOptions } from './index.js';
import { probeLoopback } from './probe-loopback.js';
import { dialTcp } from './tcp-dialer.js';
import { listenTcp } from './tcp-listener.js';

export function tcpTransport(options: TcpOptions): Transport {
  return {
    probe: () => probeLoopback('TCP with muxed streams'),
    listen: (at, listenOptions) => listenTcp(at, listenOptions, options),
    dial: (to, dialOptions) => dialTcp(to, dialOptions, options),
  };
}
