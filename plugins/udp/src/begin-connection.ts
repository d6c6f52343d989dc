import type { SocketAddress } from 'xfer/plugin';
import { randomFillSync } from 'node:crypto';
import type { ConnectionDriver } from './connection-driver.js';
import { ConnectionCore } from './core/connection-core.js';
import type { PeerParameters } from './core/contract.js';
import type { Endpoint } from './endpoint.js';
import type { ConnectionKeys } from './hello/connection-keys.js';
import type { Tuned } from './udp-context.js';
import type { UdpLink } from './udp-link.js';

interface Beginning {
  readonly keys: ConnectionKeys;
  readonly remote: SocketAddress;
  readonly peer: PeerParameters;
  readonly rttMs: number;
  readonly controlSentBytes: number;
  readonly controlReceivedBytes: number;
}

/** The hellos are over: the link gets its core, and the core its socket. */
export function beginConnection(
  endpoint: Endpoint,
  link: UdpLink,
  { config, controller }: Tuned,
  { keys, remote, ...said }: Beginning,
): ConnectionDriver {
  const core = new ConnectionCore({
    ...said,
    config,
    controller,
    now: performance.now(),
    randomBytes: (into) => void randomFillSync(into),
    random: Math.random,
    path: 0,
    user: link,
  });
  const driver = endpoint.add(keys, remote, core, link);
  link.begin(driver);
  return driver;
}
