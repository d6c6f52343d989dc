import { randomBytes } from 'node:crypto';
import { probeTransport } from '../app/doctor-transports.js';
import { benchDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { parseUrl, type Address } from '../transport/address.js';
import type { Connection } from '../transport/contract.js';
import type { BenchSetup, KeptThing } from './contract.js';
import { openBareWay, type BareWay } from './bare-way.js';
import type { BenchWay } from './ends.js';
import type { BenchSkipped } from './report.js';

const probeTimeoutMs = 5_000;

/** The other end of one transport, through all works: where it is, and connections to it. */
export class BareEnd implements KeptThing {
  readonly address: Address;
  /** Both ends are on this machine: this command has started the other. */
  readonly isLocal: boolean;
  readonly #setup: BenchSetup;
  readonly #way: BareWay;
  readonly #idle: { readonly connection: Connection; readonly since: number }[] = [];
  readonly #open = new Set<Connection>();

  constructor(setup: BenchSetup, way: BareWay, isLocal: boolean) {
    this.#setup = setup;
    this.#way = way;
    this.address = parseUrl(way.address);
    this.isLocal = isLocal;
  }

  /** What was started here for it. */
  get processes(): BareWay['processes'] {
    return this.#way.processes;
  }

  /** One that is there, or a new one; whoever has it gives it back or aborts it. Rejects with an XferError, or the signal's reason. */
  async take(): Promise<Connection> {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      // The other end closes those that are idle: none is used that is about to be.
      const isOld = performance.now() - idle.since > benchDefaults.idleMs / 2;
      if (!isOld && this.#open.has(idle.connection)) return idle.connection;
      idle.connection.abort(new XferError('ERR_XFER_INTERRUPTED', 'it was idle'));
    }
    const { signal } = this.#setup;
    try {
      const connection = await this.#way.dial();
      this.#open.add(connection);
      void connection.closed.then(() => this.#open.delete(connection));
      return connection;
    } catch (thrown) {
      signal.throwIfAborted();
      throw asXferError(thrown);
    }
  }

  give(connection: Connection): void {
    if (this.#open.has(connection)) this.#idle.push({ connection, since: performance.now() });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((connection) => this.#end(connection)));
    await this.#way.close();
  }

  /** In order unless the bench is interrupted. */
  #end(connection: Connection): Promise<unknown> {
    const { aborted } = this.#setup.signal;
    if (aborted) connection.abort(new XferError('ERR_XFER_INTERRUPTED', 'the bench is over'));
    return aborted ? Promise.resolve() : connection.close();
  }
}

/** What a transport is measured with, or why it cannot be. */
export type ReachedEnd = (BareEnd | { readonly skipped: BenchSkipped }) & KeptThing;

/** Once for all works: a connection to the other end, or why there is none. Rejects with the signal's reason alone. */
export async function reachEnd(way: BenchWay, setup: BenchSetup): Promise<ReachedEnd> {
  const { transports, signal } = setup;
  const { transport: name, address } = way;
  const skip = (code: string, reason: string, remedy: string): ReachedEnd => ({
    skipped: { name, code, reason, remedy },
    close: () => undefined,
  });
  const probe = await probeTransport(transports, way.scheme, probeTimeoutMs, signal);
  if (!probe.ok) return skip(probe.code, probe.reason, probe.remedy);
  let end: BareEnd | undefined;
  try {
    end = new BareEnd(setup, await openBareWay(setup, way), address === undefined);
    end.give(await end.take());
    return end;
  } catch (thrown) {
    await end?.close();
    signal.throwIfAborted();
    const { code, message, remedy } = asXferError(thrown);
    const isRefused = code === 'ERR_XFER_CONNECTION_REFUSED';
    return skip(code, message, isRefused ? 'start xfer bench --serve there' : remedy);
  }
}

/** By which the other end knows all connections of this bench, kept as whatever lasts is. */
export async function benchId({ kept }: BenchSetup): Promise<Uint8Array> {
  const { id } = await kept.get('bare: id', () =>
    Promise.resolve({ id: Uint8Array.from(randomBytes(16)), close: () => undefined }),
  );
  return id;
}

export function overRelays(hops: number): string {
  return `over ${hops} ${hops === 1 ? 'relay' : 'relays'}`;
}
