import {
  MuxConnection,
  transportDefaults,
  type Address,
  type Connection,
  type DialOptions,
} from 'xfer/plugin';
import { connectAny, targetOf } from './connect-any.js';
import type { TcpOptions } from './index.js';
import { TcpLink } from './tcp-link.js';

export async function dialTcp(to: Address, dial: DialOptions, options: TcpOptions): Promise<Connection> {
  const { resolved, signal, timeoutMs = transportDefaults.dialTimeoutMs } = dial;
  const resolve = resolved && (() => Promise.resolve(resolved.map(targetOf)));
  const socket = await connectAny(to, signal, timeoutMs, resolve);
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
    ...(dial.limits ? { limits: dial.limits } : {}),
    ...(options.mux ? { config: options.mux } : {}),
    ...(options.budget ? { budget: options.budget } : {}),
  });
}
