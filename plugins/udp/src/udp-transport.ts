import { networkError, type ProbeResult, type Transport } from 'xfer/plugin';
import { udpContext, type UdpContext, type UdpOptions } from './udp-context.js';
import { dialUdp } from './udp-dialer.js';
import { listenUdp } from './udp-listener.js';

export async function udpTransport(options: UdpOptions): Promise<Transport> {
  const context = await udpContext(options);
  return {
    probe: () => probe(context),
    listen: (at, listenOptions) => listenUdp(at, listenOptions, context),
    dial: (to, dialOptions) => dialUdp(to, dialOptions, context),
  };
}

async function probe(context: UdpContext): Promise<ProbeResult> {
  try {
    const socket = await context.socket('127.0.0.1', 0);
    const { kind, gso, gro, receiveBufferBytes } = socket.features;
    socket.close();
    const offloads =
      [...(gso ? ['UDP_SEGMENT'] : []), ...(gro ? ['UDP_GRO'] : [])].join(', ') || 'no offloads';
    const how = kind === 'native' ? offloads : 'node:dgram';
    return {
      ok: true,
      detail: `streams over batched UDP (${how}, receive buffer ${Math.round(receiveBufferBytes / 1024)} KiB)`,
    };
  } catch (error) {
    const { code, message, remedy } = networkError(error, 'a UDP socket on loopback');
    return { ok: false, code, reason: message, remedy };
  }
}
