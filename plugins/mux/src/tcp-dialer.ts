import { DialLimit, type Address, type Connection, type DialOptions } from 'xfer/plugin';
import { connectAny } from './connect-any.js';
import type { TcpOptions } from './index.js';
import { muxOver } from './mux-over.js';
import { TcpLink } from './tcp-link.js';

export async function dialTcp(to: Address, dial: DialOptions, options: TcpOptions): Promise<Connection> {
  const name = `${to.host}:${to.port}`;
  const socket = await connectAny(to, new DialLimit(dial, name), { resolved: dial.resolved });
  const at = (host: string | undefined, port: number | undefined): Address => ({
    scheme: to.scheme,
    host: host ?? '',
    port: port ?? 0,
  });
  const local = at(socket.localAddress, socket.localPort);
  const remote = at(socket.remoteAddress, socket.remotePort);
  const link = new TcpLink(socket, name);
  return muxOver({ link, role: 'dialer', local, remote, limits: dial.limits }, options);
}
