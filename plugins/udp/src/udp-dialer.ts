import {
  canonicalHost,
  DialLimit,
  dialTargets,
  raceTargets,
  XferError,
  type Address,
  type Connection,
  type DialOptions,
  type DialTarget,
} from 'xfer/plugin';
import { isIPv4 } from 'node:net';
import { DialAttempt } from './dial-attempt.js';
import { ownAddress } from './own-address.js';
import { forSocket, tuned, type UdpContext } from './udp-context.js';

/** Dials the first address of the host that answers. */
export async function dialUdp(to: Address, dial: DialOptions, context: UdpContext): Promise<Connection> {
  const limit = new DialLimit(dial, `${to.host}:${to.port}`);
  const targets = await dialTargets(to, limit, { resolved: dial.resolved });
  return raceTargets(
    targets,
    limit,
    (target, signal) => dialTarget(to, target, dial, context, signal),
    (late) => late.abort(new XferError('ERR_XFER_CONNECTION_LOST', 'another address answered sooner')),
  );
}

async function dialTarget(
  to: Address,
  target: DialTarget,
  dial: DialOptions,
  context: UdpContext,
  signal: AbortSignal,
): Promise<Connection> {
  // As the socket says where datagrams come from.
  const address = canonicalHost(target.address) ?? target.address;
  const version = isIPv4(address) ? 4 : 6;
  const how = tuned(context, dial.tuning, version);
  const host = await ownAddress(address, to.port, version);
  const socket = await context.socket(version === 4 ? '0.0.0.0' : '::', 0);
  return new Promise((resolve, reject) => {
    const attempt = new DialAttempt({
      socket,
      tuned: forSocket(how, socket.features),
      context,
      limits: dial.limits,
      name: `${to.host}:${to.port}`,
      local: { scheme: to.scheme, host, port: socket.address.port },
      remote: { scheme: to.scheme, host: address, port: to.port },
      outcome: {
        connected: (connection) => {
          signal.removeEventListener('abort', lost);
          resolve(connection);
        },
        failed: (error) => {
          signal.removeEventListener('abort', lost);
          reject(error);
        },
      },
    });
    const lost = (): void => attempt.fail(signal.reason as Error);
    signal.addEventListener('abort', lost, { once: true });
    if (signal.aborted) lost();
    else attempt.begin();
  });
}
