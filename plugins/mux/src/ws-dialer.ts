import {
  DialLimit,
  isXferError,
  networkError,
  XferError,
  type Address,
  type Connection,
  type DialOptions,
} from 'xfer/plugin';
import type { Socket } from 'node:net';
import { WebSocket, type ClientOptions } from 'ws';
import { connectAny } from './connect-any.js';
import { httpProxyFor } from './http-proxy.js';
import type { WsOptions } from './index.js';
import { muxOver } from './mux-over.js';
import { hostOf, secured } from './tls-dialer.js';
import { WsLink, wsOptions } from './ws-link.js';

/** Dials `/`. Connecting, TLS and the upgrade share the time that a dial has. */
export async function dialWs(to: Address, dial: DialOptions, options: WsOptions): Promise<Connection> {
  const url = urlOf(to);
  const name = `${to.host}:${to.port}`;
  const limit = new DialLimit(dial, name);
  limit.signal.throwIfAborted();
  const encrypted = to.scheme === 'wss';
  let tcp: Socket | undefined;
  const finish = (socket: Socket): Promise<Socket> => {
    tcp = socket;
    return encrypted ? secured(socket, to, limit, options.ca) : Promise.resolve(socket);
  };
  // Whoever names the addresses wants nobody else to choose where the bytes go.
  const proxy = dial.resolved ? undefined : httpProxyFor(to.scheme, to.host, process.env);
  const way = proxy
    ? { agent: new (await import('./tunnel.js')).Tunnel(proxy, to, limit, finish) }
    : connectedTo(await finish(await connectAny(to, limit, { resolved: dial.resolved })));
  return upgraded(url, way, limit, name, (ws, socket) => {
    const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket;
    return muxOver(
      {
        link: new WsLink(ws, socket, tcp ?? socket, name),
        role: 'dialer',
        local: { scheme: to.scheme, host: localAddress, port: localPort },
        remote: proxy ? to : { scheme: to.scheme, host: remoteAddress, port: remotePort },
        encrypted,
        limits: dial.limits,
      },
      options,
    );
  });
}

/** Throws ERR_XFER_BAD_ADDRESS for a host that would say more in a URL than where to connect. */
function urlOf(to: Address): string {
  const host = hostOf(to);
  const text = `${to.scheme}://${host.includes(':') ? `[${host}]` : host}:${to.port}/`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.pathname === '/' && url.username + url.password + url.search + url.hash === '') return text;
  throw new XferError('ERR_XFER_BAD_ADDRESS', `no valid host: ${JSON.stringify(to.host)}`);
}

function connectedTo(socket: Socket): ClientOptions {
  return {
    createConnection: () => {
      // It is paused until there is somebody to read.
      setImmediate(() => socket.resume());
      return socket;
    },
  };
}

/** `open` is called in the turn in which the WebSocket opens, before anything can arrive. */
function upgraded(
  url: string,
  way: ClientOptions,
  limit: DialLimit,
  name: string,
  open: (ws: WebSocket, socket: Socket) => Connection,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, { ...wsOptions, ...way, generateMask: (mask) => mask.fill(0) });
    const failed = (error: unknown): void => {
      limit.signal.removeEventListener('abort', stopped);
      ws.terminate();
      reject(limit.signal.aborted ? limit.errorOf(error) : upgradeError(error, name));
    };
    const stopped = (): void => failed(limit.signal.reason);
    limit.signal.addEventListener('abort', stopped, { once: true });
    // It stays: terminating a WebSocket that is not open yet is one more error.
    ws.on('error', failed);
    ws.on('unexpected-response', (_request, { statusCode = 0 }) => failed(answerError(statusCode, name)));
    ws.once('upgrade', ({ socket }) =>
      ws.once('open', () => {
        limit.signal.removeEventListener('abort', stopped);
        resolve(open(ws, socket));
      }),
    );
    if (limit.signal.aborted) stopped();
  });
}

function answerError(status: number, name: string): XferError {
  // What a proxy before the other side says when that is not there.
  return status >= 502 && status <= 504
    ? new XferError('ERR_XFER_UNREACHABLE', `${name}: the HTTP server there answers ${status}`, {
        remedy: 'check that xfer listens behind the HTTP server',
      })
    : new XferError('ERR_XFER_PROTOCOL', `${name}: no WebSocket there, HTTP ${status} instead`);
}

/** Errors of Node's HTTP and of `ws` mean that what answers speaks something else; those of sockets are told as such. */
function upgradeError(error: unknown, name: string): Error {
  if (isXferError(error)) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^E[A-Z0-9]+$/.test(code)) return networkError(error, name);
  const message = error instanceof Error ? error.message : String(error);
  return new XferError('ERR_XFER_PROTOCOL', `${name}: ${message}`);
}
