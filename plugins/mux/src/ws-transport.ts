import type { Transport } from 'xfer/plugin';
import type { WsOptions } from './index.js';
import { probeLoopback } from './probe-loopback.js';
import { dialWs } from './ws-dialer.js';
import { listenWs } from './ws-listener.js';

export function wsTransport(options: WsOptions): Transport {
  return {
    probe: () => probeLoopback('WebSocket with muxed streams, and over TLS'),
    listen: (at, listenOptions) => listenWs(at, listenOptions, options),
    dial: (to, dialOptions) => dialWs(to, dialOptions, options),
  };
}
