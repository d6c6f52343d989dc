import { networkInterfaces } from 'node:os';
import { topologyOf, type OwnNetwork, type Topology } from '../transport/topology.js';

/**
 * The networks that this machine is in, as they were when they were last looked at: to ask the system takes longer than
 * to send a small file.
 */
export class OwnNetworks {
  #networks: readonly OwnNetwork[] | undefined;
  #shown = '';
  readonly #topologies = new Map<string, Topology>();

  /** What changes when this machine moves. */
  get shown(): string {
    this.#known();
    return this.#shown;
  }

  /** How far away this host is. */
  topologyOf(host: string): Topology {
    const known = this.#topologies.get(host);
    if (known) return known;
    const topology = topologyOf(host, this.#known());
    this.#topologies.set(host, topology);
    return topology;
  }

  refresh(): void {
    const networks = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const shown = networks
      .map(({ cidr, address }) => cidr ?? address)
      .sort()
      .join(' ');
    if (shown !== this.#shown) this.#topologies.clear();
    this.#networks = networks;
    this.#shown = shown;
  }

  #known(): readonly OwnNetwork[] {
    if (!this.#networks) this.refresh();
    return this.#networks ?? [];
  }
}
