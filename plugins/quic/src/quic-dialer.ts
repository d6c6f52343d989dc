import {
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
import type { QuicConnection } from './binding.js';
import { bindingError } from './binding-error.js';
import type { ClientPool } from './client-pool.js';
import { checkTuning } from './config.js';
import { connectionOver } from './quic-connection.js';
import type { QuicContext } from './quic-context.js';
import { RefusalProbe } from './refusal-probe.js';

/** Dials the first address of the host that answers. */
export async function dialQuic(
  to: Address,
  dial: DialOptions,
  context: QuicContext,
  clients: ClientPool,
): Promise<Connection> {
  checkTuning(dial.tuning);
  const limit = new DialLimit(dial, `${to.host}:${to.port}`);
  const targets = await dialTargets(to, limit, { resolved: dial.resolved });
  return raceTargets(
    targets,
    limit,
    (target, signal) => dialTarget(to, target, dial, context, clients, signal),
    (late) => late.abort(new XferError('ERR_XFER_CONNECTION_LOST', 'another address answered sooner')),
  );
}

async function dialTarget(
  to: Address,
  { address }: DialTarget,
  { limits }: DialOptions,
  context: QuicContext,
  clients: ClientPool,
  signal: AbortSignal,
): Promise<Connection> {
  const { scheme, port } = to;
  const name = `${to.host}:${port}`;
  if (address.includes('%'))
    throw new XferError('ERR_XFER_UNREACHABLE', `${name}: quic takes no address with a zone`, {
      remedy: 'use udp:// or tcp://',
    });
  const { quic, host } = await dialAddress(address, port, clients, signal).catch((thrown: unknown) => {
    throw signal.aborted ? thrown : bindingError(thrown, name);
  });
  const { connection, begin } = connectionOver(
    {
      ...{ quic, role: 'dialer', limits },
      // Which port it is the binding does not say.
      local: { scheme, host, port: 0 },
      remote: { scheme, host: address, port },
    },
    context,
  );
  void begin();
  return connection;
}

/** With the address that it was dialled from. */
async function dialAddress(
  address: string,
  port: number,
  clients: ClientPool,
  signal: AbortSignal,
): Promise<{ quic: QuicConnection; host: string }> {
  const family = isIPv4(address) ? 4 : 6;
  const ended = new AbortController();
  let host = family === 4 ? '0.0.0.0' : '::';
  const probe = new RefusalProbe(
    { family, address, port },
    {
      onReady: (own) => (host = own),
      onRefused: (error) => ended.abort(error),
    },
  );
  try {
    return { quic: await clients.dial(family, address, port, AbortSignal.any([signal, ended.signal])), host };
  } finally {
    probe.end();
  }
}
