import { RoutedConnection } from '../relay/routed-connection.js';
import { XferError } from '../errors/index.js';
import { unlessAborted } from '../app/unless-aborted.js';
import { parseUrl } from '../transport/address.js';
import type { Connection, ConnectionLimits } from '../transport/contract.js';
import type { BenchSetup } from './contract.js';
import { otherEnd, type BenchWay } from './ends.js';
import { startRelays } from './relays.js';

export interface BareConnection {
  readonly connection: Connection;
  /** Of the other end. */
  readonly address: string;
  /** Of the other end, where it was started here. */
  readonly pid?: number;
  /** Ends it, and what was started for it. Does not reject. */
  close(): Promise<void>;
}

/**
 * A connection to the other end of benches: where the way says, or in a process that is started for it; over as many relays as
 * the setup has, whose streams lead there. Rejects with an XferError or with the signal's reason; nothing of it runs then.
 */
export async function bareConnection(
  setup: BenchSetup,
  way: BenchWay,
  limits?: ConnectionLimits,
): Promise<BareConnection> {
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
    const dialled = await transport.dial(first, { signal, tuning, ...(limits ? { limits } : {}) });
    ends.push(() => dialled.abort(new XferError('ERR_XFER_INTERRUPTED', 'the bench is over')));
    const path = relays && { relays: relays.addresses.map((one) => [one]), to: address };
    const connection = path ? new RoutedConnection(dialled, path, 0) : dialled;
    return { connection, address, close, ...(pid === undefined ? {} : { pid }) };
  } catch (error) {
    await close();
    throw error;
  }
}
