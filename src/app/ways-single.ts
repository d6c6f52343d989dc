import { PathDialer, type PathDialerOptions } from '../relay/dial-path.js';
import type { Path } from '../relay/routed-connection.js';
import { parseUrl, type Address } from '../transport/address.js';
import type { Connection, TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import type { Ways } from './ways.js';

/** The one way that a target with a scheme names. */
export function pinnedWay(
  address: Address,
  transports: TransportRegistry,
  tuning: TransportTuning | undefined,
): Ways {
  return singleWay(address, async (signal) => {
    const transport = await transports.get(address.scheme);
    return transport.dial(address, { signal, ...(tuning ? { tuning } : {}) });
  });
}

/** The one way over relays; its address is that of the first of them. Throws ERR_XFER_USAGE for one that is too long. */
export function relayedWay(path: Path, transports: TransportRegistry, options: PathDialerOptions): Ways {
  const dialer = new PathDialer(transports, path, options);
  return singleWay(parseUrl(path.relays[0]?.[0] ?? ''), (signal) => dialer.dial(signal));
}

function singleWay(address: Address, dial: (signal: AbortSignal) => Promise<Connection>): Ways {
  return {
    dialFirst: async (signal) => ({ address, connection: await dial(signal) }),
    dial: (_address, signal) => dial(signal),
    candidates: () => [],
  };
}
