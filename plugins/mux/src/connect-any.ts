import { dialTargets, raceTargets, type Address, type DialLimit, type Resolving } from 'xfer/plugin';
import { connect, type Socket } from 'node:net';

/**
 * Connects to the first address of the host that answers (RFC 8305): families in turns, the next one starts when the
 * one before failed or has been silent for a while, the others are dropped. The socket has not read yet.
 */
export async function connectAny(to: Address, limit: DialLimit, resolving: Resolving = {}): Promise<Socket> {
  const targets = await dialTargets(to, limit, resolving);
  return raceTargets(
    targets,
    limit,
    ({ address, family }, signal) =>
      connected(connect({ host: address, port: to.port, family, allowHalfOpen: true }), signal),
    (late) => late.destroy(),
  );
}

function connected(socket: Socket, signal: AbortSignal): Promise<Socket> {
  // Nothing is read before the handle is where it stays.
  socket.pause();
  return new Promise((resolve, reject) => {
    const lost = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', lost, { once: true });
    socket.once('connect', () => {
      signal.removeEventListener('abort', lost);
      socket.removeAllListeners();
      resolve(socket);
    });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', lost);
      reject(error);
    });
  });
}
