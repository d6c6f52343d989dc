import { RoutedConnection } from '../relay/routed-connection.js';
import { unlessAborted } from '../app/unless-aborted.js';
import { parseUrl } from '../transport/address.js';
import type { Connection, ConnectionLimits } from '../transport/contract.js';
import type { BenchSetup } from './contract.js';
import { otherEnd, type BenchWay } from './ends.js';
import { startRelays } from './relays.js';

/** The other end of benches, and the way there. */
export interface BareWay {
  /** Of the other end. */
  readonly address: string;
  /** Of what was started here: the other end, and the relays in their order. */
  readonly processes: readonly { readonly process: string; readonly pid: number }[];
  /** A connection whose streams lead there. It belongs to who dialled; none may be idle for long. Rejects with an XferError. */
  dial(): Promise<Connection>;
  /** Ends what was started for it. Does not reject. */
  close(): Promise<void>;
}

/**
 * The other end where `way` says, or in a process that is started for it, and as many relays before it as the setup has.
 * Rejects with an XferError or with the signal's reason; nothing of it runs then. `limits` are of each connection.
 */
export async function openBareWay(
  setup: BenchSetup,
  way: BenchWay,
  limits?: ConnectionLimits,
): Promise<BareWay> {
  const { hops, place, signal, transports, tuning } = setup;
  const ends: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const starting = otherEnd(way, tuning, place);
    // It may listen when nobody waits for it any more.
    ends.push(() => starting.then(({ stop }) => stop()).catch(() => undefined));
    const { address, pid } = await unlessAborted(signal, starting);
    const relays = hops > 0 ? await startRelays(setup, way.transport) : undefined;
    if (relays) ends.push(() => relays.close());
    const transport = await transports.get(way.scheme);
    const first = parseUrl(relays?.addresses[0] ?? address);
    const path = relays && { relays: relays.addresses.map((one) => [one]), to: address };
    const dial = async (): Promise<Connection> => {
      const connection = await transport.dial(first, { signal, tuning, ...(limits ? { limits } : {}) });
      return path ? new RoutedConnection(connection, path, 0) : connection;
    };
    const far = pid === undefined ? [] : [{ process: 'receiver', pid }];
    const between = relays?.pids.map((relay, at) => ({ process: `relay ${at + 1}`, pid: relay })) ?? [];
    return { address, processes: [...far, ...between], dial, close };
  } catch (error) {
    await close();
    throw error;
  }
}
