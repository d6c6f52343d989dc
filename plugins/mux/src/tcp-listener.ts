import {
  MuxConnection,
  formatAddress,
  networkError,
  transportDefaults,
  type Address,
  type ListenOptions,
  type Listener,
} from 'xfer/plugin';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ConnectionLimits } from './connection-limits.js';
import type { TcpOptions } from './index.js';
import { TcpLink } from './tcp-link.js';

export function listenTcp(at: Address, listen: ListenOptions, options: TcpOptions): Promise<Listener> {
  const limits = new ConnectionLimits(
    listen.maxConnections ?? transportDefaults.maxConnections,
    listen.maxConnectionsPerAddress ?? transportDefaults.maxConnectionsPerAddress,
  );
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  server.on('connection', (socket) => take(socket, at.scheme, limits, listen, options));
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(networkError(error, formatAddress(at))));
    server.listen({ host: at.host, port: at.port }, () => {
      const { port } = server.address() as AddressInfo;
      // Once it listens only single accepts can fail, for want of descriptors: the next one is tried anyway.
      server.on('error', () => undefined);
      resolve({ address: { ...at, port }, close: () => stop(server) });
    });
  });
}

function take(
  socket: Socket,
  scheme: string,
  limits: ConnectionLimits,
  listen: ListenOptions,
  options: TcpOptions,
): void {
  const host = socket.remoteAddress;
  const admission = host === undefined ? undefined : listen.admit?.(host);
  const isAdmitted = host !== undefined && (!listen.admit || admission) && limits.enter(host);
  if (!isAdmitted) {
    admission?.over();
    socket.on('error', () => undefined);
    socket.destroy();
    return;
  }
  const local = { scheme, host: socket.localAddress ?? '', port: socket.localPort ?? 0 };
  const remote = { scheme, host, port: socket.remotePort ?? 0 };
  const connection = new MuxConnection({
    link: new TcpLink(socket, formatAddress(remote)),
    role: 'listener',
    local,
    remote,
    ...(listen.limits ? { limits: listen.limits } : {}),
    ...(options.mux ? { config: options.mux } : {}),
    ...(options.budget ? { budget: options.budget } : {}),
  });
  void connection.closed.then(() => {
    limits.leave(host);
    admission?.over();
  });
  listen.onConnection(connection, admission);
}

/** The port is free at once; the server's own 'close' would wait for sockets whose handles have moved. */
function stop(server: Server): Promise<void> {
  server.close();
  return new Promise((resolve) => setImmediate(resolve));
}
