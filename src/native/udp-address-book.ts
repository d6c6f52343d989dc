import { encodedAddressBytes } from './udp-addon.js';
import type { SocketAddress } from './udp-api.js';
import { requireAddress } from './udp-arguments.js';

/** Then it is begun anew: who floods us with addresses gets no memory for it. */
const maxKnown = 4096;

/** Addresses as the addon takes them. Each is parsed once, for most datagrams go where others went. */
export class AddressBook {
  readonly #encode: (to: SocketAddress) => Uint8Array | undefined;
  readonly #known = new Map<string, Uint8Array>();

  constructor(encode: (to: SocketAddress) => Uint8Array | undefined) {
    this.#encode = encode;
  }

  /** One behind the other. Throws RangeError for what is no IP address. */
  encoded(addresses: readonly SocketAddress[]): Uint8Array {
    const [only] = addresses;
    if (only !== undefined && addresses.length === 1) return this.#one(only);
    const all = new Uint8Array(addresses.length * encodedAddressBytes);
    addresses.forEach((address, index) => all.set(this.#one(address), index * encodedAddressBytes));
    return all;
  }

  #one(address: SocketAddress): Uint8Array {
    const key = `${String(address.port)} ${address.host}`;
    const known = this.#known.get(key);
    if (known) return known;
    requireAddress(address);
    const encoded = this.#encode(address);
    if (encoded === undefined) throw new RangeError('host must be an IP address');
    // A zone is a name of an interface, which may be another tomorrow.
    if (address.host.includes('%')) return encoded;
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(key, encoded);
    return encoded;
  }
}
