import { type FabricApi, type FabricProvider } from 'xfer/plugin';
import { randomBytes } from 'node:crypto';
import { MemoryEndpoint } from './memory-endpoint.js';

export interface MemoryFabricOptions {
  /** Default: `tcp;ofi_rxm` and `shm`. */
  readonly providers?: readonly string[];
  /** Providers over which nothing arrives, and such as do not open, with the words of why. */
  readonly silent?: readonly string[];
  readonly broken?: Readonly<Record<string, string>>;
}

/** Where the endpoints of several `FabricApi`s meet: one process, no libfabric. */
export class MemoryNetwork {
  /** By their addresses in hex. */
  readonly endpoints = new Map<string, MemoryEndpoint>();
  /** In the order in which they were opened, those that are closed too. */
  readonly opened: MemoryEndpoint[] = [];

  /** What one side sees of it. */
  api({ providers = ['tcp;ofi_rxm', 'shm'], silent = [], broken = {} }: MemoryFabricOptions = {}): FabricApi {
    return {
      version: '1.17',
      providers: () => Promise.resolve(providers.map(describe)),
      open: async (options) => {
        const words = broken[options.provider];
        if (words !== undefined) throw Object.assign(new Error(words), { code: 'EINVAL' });
        await new Promise((resolve) => setImmediate(resolve));
        const endpoint = new MemoryEndpoint(this, options, silent.includes(options.provider));
        this.endpoints.set(endpoint.key, endpoint);
        this.opened.push(endpoint);
        return endpoint;
      },
    };
  }

  /** Endpoints that are not closed. */
  get openCount(): number {
    return this.endpoints.size;
  }
}

export const memoryFabric = (options?: MemoryFabricOptions): FabricApi => new MemoryNetwork().api(options);

function describe(provider: string): FabricProvider {
  return {
    provider,
    fabric: 'memory',
    domain: 'here',
    version: '1.0',
    source: `fi_memory://${randomBytes(4).toString('hex')}`,
    maxMessageBytes: 2 ** 30,
    injectBytes: 64,
    memoryModes: [],
    modes: [],
    threading: 'SAFE',
    progress: 'AUTO',
  };
}
