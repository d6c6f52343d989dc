import { MuxConnection, type Address, type ConnectionLimits } from 'xfer/plugin';
import { FabricMemory } from './fabric-memory.js';
import type { FabricLink } from './fabric-link.js';
import type { OpenEndpoint } from './open-endpoint.js';
import type { RdmaContext } from './rdma-context.js';

interface Over {
  readonly link: FabricLink;
  readonly endpoint: OpenEndpoint['endpoint'];
  readonly role: 'dialer' | 'listener';
  readonly local: Address;
  readonly remote: Address;
  readonly limits: ConnectionLimits | undefined;
  /** What is left of the time for the hello. Default: all of it. */
  readonly helloTimeoutMs?: number;
}

/** Our connection over a link that is proven. `link.begin` is called when those who are to know of it do. */
export function connectionOver(
  { link, endpoint, limits = {}, helloTimeoutMs, ...over }: Over,
  { options, config }: RdmaContext,
): MuxConnection {
  const most = options.mux?.maxWindowBytes ?? limits.maxWindowBytes ?? config.maxWindowBytes;
  const memory = new FabricMemory(endpoint, config);
  const connection = new MuxConnection({
    ...{ link, memory, isFabric: true, limits, ...over },
    config: {
      initialWindowBytes: Math.min(config.initialWindowBytes, most),
      windowRenewals: config.windowRenewals,
      ...options.mux,
      maxWindowBytes: most,
      ...(helloTimeoutMs === undefined ? {} : { helloTimeoutMs }),
    },
    ...(options.budget ? { budget: options.budget } : {}),
  });
  memory.begin();
  void connection.closed.then(() => memory.end());
  return connection;
}
