import { canonicalHost } from '../native/canonical-host.js';
import type { OwnNetwork } from '../transport/topology.js';

/**
 * How often this machine has moved, as far as its lanes are concerned: an address of theirs has gone, or has come to be in
 * another network. All other addresses may change as they like: on a machine with containers they do so all the time.
 */
export class UsedNetworks {
  /** By address. */
  readonly #networks = new Map<string, string | null>();
  #moves = 0;

  get moves(): number {
    return this.#moves;
  }

  /** `used`: hosts of the lanes' own ends. One that listens on any address tells nothing. */
  handle(used: Iterable<string>, own: readonly OwnNetwork[]): void {
    const now = new Map(own.map(({ address, cidr }) => [address, cidr]));
    for (const [address, network] of this.#networks) {
      if (now.get(address) === network) continue;
      this.#moves++;
      this.#networks.delete(address);
    }
    for (const host of used) {
      const address = (canonicalHost(host) ?? host).split('%')[0] ?? '';
      const network = now.get(address);
      if (network !== undefined) this.#networks.set(address, network);
    }
  }
}
