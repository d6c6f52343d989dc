import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** A connected socket that has read nothing, for `SocketEndpoint`. Rejects with the signal's reason, or what the system says. */
export function connectedSocket(to: NetConnectOpts, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connect({ ...to, allowHalfOpen: true });
    // Nothing is read before the handle is where it stays.
    socket.pause();
    const stop = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      resolve(socket);
    });
    socket.on('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
  });
}
