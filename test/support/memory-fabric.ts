import { type FabricApi, type FabricProvider } from 'xfer/plugin';
import { randomBytes } from 'node:crypto';
import { MemoryEndpoint } from './memory-endpoint.js';

export interface MemoryFabricOptions {
  /** Default: `tcp;ofi_rxm` and `shm`. */
  readonly providers?: readonly string[];
  /** Providers over which nothing arrives, and such as do not open, with the words of why. */
  readonly silent?: readonly string[];
  readonly broken?: Readonly<Record<string, string>>;
  /** Waited for before an endpoint opens. */
  readonly opens?: () => Promise<unknown>;
  /** Waited for before an endpoint is closed. */
  readonly closes?: () => Promise<unknown>;
}

/** Where the endpoints of several `FabricApi`s meet: one process, no libfabric. */
export class MemoryNetwork {
  /** By their addresses in hex. */
  readonly endpoints = new Map<string, MemoryEndpoint>();
  /** In the order in which they were opened, those that are closed too. */
  readonly opened: MemoryEndpoint[] = [];
  /** Providers of which an endpoint was asked for, in order. */
  readonly tried: string[] = [];

  /** What one side sees of it. */
  api(given: MemoryFabricOptions = {}): FabricApi {
    const { providers = ['tcp;ofi_rxm', 'shm'], silent = [], broken = {}, opens = nextTurn, closes } = given;
    return {
      version: '1.17',
      providers: () => Promise.resolve(providers.map(describe)),
      open: async (options) => {
        this.tried.push(options.provider);
        const words = broken[options.provider];
        if (words !== undefined) throw Object.assign(new Error(words), { code: 'EINVAL' });
        await opens();
        const endpoint = new MemoryEndpoint(this, options, silent.includes(options.provider), closes);
        this.endpoints.set(endpoint.key, endpoint);
        this.opened.push(endpoint);
        return endpoint;
      },
      loop: () => Promise.reject(new Error('a fabric in memory has no loops below JavaScript')),
    };
  }

  /** Endpoints that are not closed. */
  get openCount(): number {
    return this.endpoints.size;
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

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
