import { canonicalHost } from './canonical-host.js';
import type { PacketConnection, SocketAddress } from './udp-api.js';

const maxPaths = 8;

interface Path {
  readonly address: SocketAddress;
  readonly number: number;
  lastUse: number;
}

/** As native/udp-connections.h. */
export class TwinConnection {
  readonly number: number;
  readonly remoteId: Uint8Array;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  readonly idText: string;
  /** Of the batch that is being read: its latest run. */
  batch = 0;
  latestRun = 0;
  readonly #paths: Path[] = [];
  #nextPath = 0;
  #usedPath = 0;
  #uses = 0;

  constructor(number: number, { localId, remoteId, sendKey, receiveKey, remote }: PacketConnection) {
    this.number = number;
    this.idText = idText(localId);
    this.remoteId = Uint8Array.from(remoteId);
    this.sendKey = Uint8Array.from(sendKey);
    this.receiveKey = Uint8Array.from(receiveKey);
    this.path(canonical(remote));
  }

  /** The number of this address, a new one where it has none; then one goes, as native/udp-connections.h says. */
  path({ host, port }: SocketAddress): number {
    const known = this.#paths.find(({ address }) => address.port === port && address.host === host);
    if (known) {
      known.lastUse = ++this.#uses;
      return known.number;
    }
    const path = { address: { host, port }, number: this.#nextPath++, lastUse: ++this.#uses };
    if (this.#paths.length < maxPaths) this.#paths.push(path);
    else this.#paths[this.#unused()] = path;
    return path.number;
  }

  addressOf(path: number): SocketAddress | undefined {
    return this.#paths.find(({ number }) => number === path)?.address;
  }

  usePath(path: number): void {
    if (this.addressOf(path)) this.#usedPath = path;
  }

  #unused(): number {
    const others = this.#paths.filter(({ number }) => number !== 0 && number !== this.#usedPath);
    const oldest = Math.min(...others.map(({ lastUse }) => lastUse));
    return this.#paths.findIndex(({ lastUse }) => lastUse === oldest);
  }
}

/** Connections by number and by our id. */
export class TwinConnections {
  readonly #byNumber: (TwinConnection | undefined)[] = [];
  readonly #byId = new Map<string, TwinConnection>();
  readonly #free: number[] = [];
  readonly #freedWhileHeld: number[] = [];
  #isHeld = false;

  add(connection: PacketConnection): number {
    if (this.#byId.has(idText(connection.localId))) throw new RangeError("localId is another connection's");
    const number = this.#free.pop() ?? this.#byNumber.length;
    const added = new TwinConnection(number, connection);
    this.#byNumber[number] = added;
    this.#byId.set(added.idText, added);
    return number;
  }

  remove(number: number): void {
    const connection = this.#byNumber[number];
    if (!connection) return;
    this.#byId.delete(connection.idText);
    this.#byNumber[number] = undefined;
    (this.#isHeld ? this.#freedWhileHeld : this.#free).push(number);
  }

  /** While it runs, numbers that become free are not used anew: the runs that are handed over have them. */
  held(handOver: () => void): void {
    this.#isHeld = true;
    try {
      handOver();
    } finally {
      this.#isHeld = false;
      this.#free.push(...this.#freedWhileHeld.splice(0));
    }
  }

  at(number: number): TwinConnection | undefined {
    return this.#byNumber[number];
  }

  /** Throws RangeError where there is none. */
  need(number: number): TwinConnection {
    const connection = this.#byNumber[number];
    if (!connection) throw new RangeError('there is no such connection');
    return connection;
  }

  /** That whose id stands in `bytes` from `from` on. */
  find(bytes: Uint8Array, from: number): TwinConnection | undefined {
    return this.#byId.get(idText(bytes.subarray(from, from + 8)));
  }
}

/** The one way that the system writes an address: paths are compared as text. */
export function canonical({ host, port }: SocketAddress): SocketAddress {
  return { host: canonicalHost(host) ?? host, port };
}

const idText = (id: Uint8Array): string => String.fromCharCode(...id);
