import { dialTargets, raceTargets, type Address, type DialLimit } from 'xfer/plugin';
import { connect, type Socket } from 'node:net';

/** To the first address of the host that answers (RFC 8305). The socket has not read yet. */
export async function connectSocket(
  to: Address,
  limit: DialLimit,
  resolved: readonly string[] | undefined,
): Promise<Socket> {
  const targets = await dialTargets(to, limit, { resolved });
  return raceTargets(
    targets,
    limit,
    ({ address, family }, signal) =>
      connected(connect({ host: address, port: to.port, family, allowHalfOpen: true }), signal),
    (late) => late.destroy(),
  );
}

function connected(socket: Socket, signal: AbortSignal): Promise<Socket> {
  socket.pause();
  return new Promise((resolve, reject) => {
    const settle = (tell: () => void): void => {
      signal.removeEventListener('abort', lost);
      socket.removeAllListeners();
      tell();
    };
    const lost = (): void => {
      socket.destroy();
      settle(() => reject(signal.reason as Error));
    };
    signal.addEventListener('abort', lost, { once: true });
    socket.once('connect', () => settle(() => resolve(socket)));
    socket.once('error', (error) => settle(() => reject(error)));
  });
}
