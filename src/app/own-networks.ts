import { networkInterfaces } from 'node:os';
import { topologyOf, type OwnNetwork, type Topology } from '../transport/topology.js';

/**
 * The networks that this machine is in, as they were when they were last looked at: to ask the system takes longer than
 * to send a small file.
 */
export class OwnNetworks {
  #networks: readonly OwnNetwork[] | undefined;
  readonly #topologies = new Map<string, Topology>();

  /** How far away this host is. */
  topologyOf(host: string): Topology {
    const known = this.#topologies.get(host);
    if (known) return known;
    const topology = topologyOf(host, this.#networks ?? this.refresh());
    this.#topologies.set(host, topology);
    return topology;
  }

  refresh(): readonly OwnNetwork[] {
    this.#topologies.clear();
    return (this.#networks = Object.values(networkInterfaces()).flatMap((all) => all ?? []));
  }
}
