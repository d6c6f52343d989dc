import type { FabricEndpoint } from 'xfer/plugin';
import type { RdmaConfig } from './config.js';
import type { OpenEndpoint } from './open-endpoint.js';

/** Counts the endpoints of a listener: each holds memory that cannot be swapped out, for whoever knows the port. */
export class EndpointPlaces {
  readonly #config: RdmaConfig;
  readonly #all = new Set<FabricEndpoint>();
  readonly #unproven = new Set<FabricEndpoint>();
  #opening = 0;

  constructor(config: RdmaConfig) {
    this.#config = config;
  }

  /** Why there may be no further one; undefined: there may. */
  limit(): string | undefined {
    const { maxEndpoints, maxUnprovenEndpoints } = this.#config;
    if (this.#all.size + this.#opening >= maxEndpoints) return `it has ${maxEndpoints} endpoints already`;
    if (this.#unproven.size + this.#opening >= maxUnprovenEndpoints) return 'too many dial it at once';
    return undefined;
  }

  /** In a place that there is, see `limit`. */
  async open(opening: () => Promise<OpenEndpoint>): Promise<OpenEndpoint> {
    this.#opening++;
    try {
      const opened = await opening();
      this.#all.add(opened.endpoint);
      this.#unproven.add(opened.endpoint);
      return opened;
    } finally {
      this.#opening--;
    }
  }

  prove(endpoint: FabricEndpoint): void {
    this.#unproven.delete(endpoint);
  }

  /** Closes it; its place is free when its memory is, or who breaks off at once would have as much of it as he likes. */
  async close(endpoint: FabricEndpoint): Promise<void> {
    await endpoint.close();
    this.#unproven.delete(endpoint);
    this.#all.delete(endpoint);
  }
}
