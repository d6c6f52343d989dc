import {
  formatAddress,
  wsDefaults,
  XferError,
  type Address,
  type ConnectionLimits,
  type ListenOptions,
  type Listener,
} from 'xfer/plugin';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import { WebSocketServer } from 'ws';
import { adoptSocket, stopReading } from './adopt-socket.js';
import { listenForArrivals, type Arrival } from './arrivals.js';
import type { TcpOptions } from './index.js';
import { muxOver } from './mux-over.js';
import { WholeFrames } from './whole-frames.js';
import { WsLink, wsOptions } from './ws-link.js';

/** Takes WebSocket, at any path. */
export async function listenWs(at: Address, listen: ListenOptions, options: TcpOptions): Promise<Listener> {
  const { limits } = listen;
  if (at.scheme === 'ws')
    return listenForArrivals(at, listen, options, (arrival) =>
      upgradeArrival(arrival, arrival.socket, 'ws', limits, options),
    );
  const secureContext = contextOf(listen.tls);
  return listenForArrivals(at, listen, options, (arrival) => {
    const socket = new TLSSocket(arrival.socket, { isServer: true, secureContext });
    socket.on('error', () => arrival.drop());
    socket.once('secure', () => upgradeArrival(arrival, socket, at.scheme, limits, options));
  });
}

/** Answers HTTP on `socket`, which is that of `arrival` or stands on it, until it is a WebSocket. */
export function upgradeArrival(
  arrival: Arrival,
  socket: Socket,
  scheme: string,
  limits: ConnectionLimits | undefined,
  options: TcpOptions,
): void {
  if (arrival.isOver) return;
  const { local, remote } = arrival.ends(scheme);
  const encrypted = scheme === 'wss';
  upgraded.set(socket, (request, head) => {
    const frames = encrypted ? undefined : reused(arrival, socket);
    const [on, rest] = frames ? [frames.socket, Buffer.alloc(0)] : [socket, head];
    sockets.handleUpgrade(request, on, rest, (ws) => {
      const link = new WsLink(ws, on, frames?.socket ?? arrival.socket, formatAddress(remote));
      const over = { link, local, remote, encrypted, limits, helloTimeoutMs: arrival.leftMs };
      arrival.settle(muxOver({ ...over, role: 'listener' }, options));
      frames?.begin(head);
    });
  });
  http.emit('connection', socket);
  socket.resume();
}

/** The arrival's socket again, which is not encrypted, read by one buffer from here on. */
function reused(arrival: Arrival, socket: Socket) {
  stopReading(socket);
  const frames = new WholeFrames((bytes) => adopted.emit('data', bytes));
  const adopted = adoptSocket(
    socket,
    ({ length }) => frames.take(length),
    () => frames.room(),
  );
  // Where it does not become a connection.
  adopted.once('close', () => arrival.drop());
  const begin = (head: Buffer): void => {
    for (let at = 0; at < head.length;) {
      const count = head.copy(frames.room(), 0, at);
      frames.take(count);
      at += count;
    }
  };
  return { socket: adopted, begin };
}

const refusal = 'This is xfer: it takes WebSocket here, and has no pages.\n';

/** Never listens itself: how long a socket may take is its arrival's affair. */
const http = createServer(
  { maxHeaderSize: wsDefaults.maxUpgradeHeaderBytes, requestTimeout: 0, headersTimeout: 0 },
  (_request, response) => {
    response
      .writeHead(426, {
        'Content-Type': 'text/plain',
        'Content-Length': refusal.length,
        Connection: 'Upgrade, close',
        Upgrade: 'websocket',
      })
      .end(refusal);
  },
);
const sockets = new WebSocketServer({ noServer: true, clientTracking: false, ...wsOptions });
const upgraded = new WeakMap<object, (request: IncomingMessage, head: Buffer) => void>();
http.on('upgrade', (request, socket, head) => upgraded.get(socket)?.(request, head));

function contextOf(tls: ListenOptions['tls']): SecureContext {
  if (!tls)
    throw new XferError('ERR_XFER_USAGE', 'a wss listener needs a certificate and its key', {
      remedy: 'give --tls-cert FILE and --tls-key FILE, or listen with ws behind a proxy that has them',
    });
  try {
    // OpenSSL takes an empty key for none, and would say so to each dialer only.
    const isPair = new X509Certificate(tls.certificate).checkPrivateKey(createPrivateKey(tls.key));
    if (!isPair) throw new Error('the key is that of another certificate');
    return createSecureContext({ cert: tls.certificate, key: tls.key });
  } catch (cause) {
    // What OpenSSL says names no part of the key.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new XferError('ERR_XFER_USAGE', `the certificate and its key do not serve: ${reason}`, {
      cause,
      remedy: 'both are PEM files, and the key, without a passphrase, is that of the first certificate',
    });
  }
}
