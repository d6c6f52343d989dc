import {
  MuxConnection,
  transportDefaults,
  type Address,
  type Connection,
  type DialOptions,
} from 'xfer/plugin';
import { connectAny } from './connect-any.js';
import type { TcpOptions } from './index.js';
import { TcpLink } from './tcp-link.js';

export async function dialTcp(to: Address, dial: DialOptions, options: TcpOptions): Promise<Connection> {
  const socket = await connectAny(to, dial.signal, dial.timeoutMs ?? transportDefaults.dialTimeoutMs);
  const at = (host: string | undefined, port: number | undefined): Address => ({
    scheme: to.scheme,
    host: host ?? '',
    port: port ?? 0,
  });
  const local = at(socket.localAddress, socket.localPort);
  const remote = at(socket.remoteAddress, socket.remotePort);
  return new MuxConnection({
    link: new TcpLink(socket, `${to.host}:${to.port}`),
    role: 'dialer',
    local,
    remote,
    ...(options.mux ? { config: options.mux } : {}),
    ...(options.budget ? { budget: options.budget } : {}),
  });
}
