import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import type { XferError } from '../errors/index.js';
import type { Endpoint, EndpointListener, EndpointListenOptions, EndpointOptions } from './endpoint.js';
import { SocketEndpoint } from './socket-endpoint.js';

/**
 * Connections of one listener that are streams at once: each gets a part of a session's windows, and more would get less
 * than a record each (pipeDefaults.maxSessionWindowBytes). Past it they wait, unread, until another closes; past that,
 * as many as a system keeps for a listener that does not accept, they are reset.
 */
const maxConnections = 256;
const maxWaiting = 128;

export interface SocketPlace {
  readonly at: ListenOptions;
  /** As it is typed, with the real port. */
  address(server: Server): string;
  /** What a failure to listen is for people. */
  errorOf(cause: Error): XferError;
}

/** Listens, and gives all connections that come. Rejects with the signal's reason, or what `errorOf` says. */
export async function listenOnSocket(
  place: SocketPlace,
  { use, signal, onEndpoint, onNote }: EndpointListenOptions,
  limits = { maxConnections, maxWaiting },
): Promise<EndpointListener> {
  signal.throwIfAborted();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  const waiting: Socket[] = [];
  let count = 0;
  const noted = new Set<string>();
  const take = (socket: Socket): void => {
    count++;
    const endpoint = new SocketEndpoint(socket, { label, use });
    void endpoint.closed.then(leave);
    onEndpoint(endpoint);
  };
  const leave = (): void => {
    count--;
    const next = waiting.shift();
    if (next) take(next);
  };
  const noteOnce = (fate: string): void => {
    if (!noted.has(fate)) onNote(`${label}: ${limits.maxConnections} connections at once, and more ${fate}`);
    noted.add(fate);
  };
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    if (count < limits.maxConnections) return take(socket);
    if (waiting.length < limits.maxWaiting) {
      waiting.push(socket);
      return noteOnce('wait');
    }
    socket.resetAndDestroy();
    noteOnce(limits.maxWaiting > 0 ? `than ${limits.maxWaiting} that wait are refused` : 'are refused');
  });
  await listening(server, place);
  const label = place.address(server);
  const close = (): Promise<void> => {
    signal.removeEventListener('abort', stop);
    server.close();
    for (const socket of waiting.splice(0)) socket.destroy();
    // The port is free at once; the server's own 'close' would wait for sockets whose handles have moved.
    return new Promise((closed) => setImmediate(closed));
  };
  const stop = (): void => void close();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) {
    await close();
    throw signal.reason;
  }
  return { address: label, close };
}

/** Listens until one connection has come, and then no more. */
export async function acceptOne(place: SocketPlace, options: EndpointOptions): Promise<Endpoint> {
  const { signal, onNote } = options;
  let came: (endpoint: Endpoint) => void = () => undefined;
  const first = new Promise<Endpoint>((resolve) => (came = resolve));
  const listener = await listenOnSocket(
    place,
    { ...options, onEndpoint: (endpoint) => came(endpoint) },
    { maxConnections: 1, maxWaiting: 0 },
  );
  onNote(`listening on ${listener.address}`);
  let stop: () => void = () => undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([first, stopped]);
  } catch (error) {
    void first.then((late) => late.close());
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await listener.close();
  }
}

function listening(server: Server, { at, errorOf }: SocketPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(errorOf(error)));
    server.listen(at, () => {
      // Once it listens only single accepts can fail, for want of descriptors: the next one is tried anyway.
      server.removeAllListeners('error').on('error', () => undefined);
      resolve();
    });
  });
}
