import { XferError } from '../errors/index.js';
import { transportApiVersion, type Transport, type TransportDescriptor } from './contract.js';
import { PluginRegistry, type HookResult } from './plugin-registry.js';

/** The transports of this process, by URL scheme. A bad plugin is refused with its own code and takes no other down. */
export class TransportRegistry extends PluginRegistry<Transport, TransportDescriptor> {
  constructor() {
    super({
      apiVersion: transportApiVersion,
      noun: 'transport',
      lacks: 'its transport has',
      methods: ['probe', 'listen', 'dial'],
    });
  }

  /** Loads the transport on first use. Rejects with ERR_XFER_NO_TRANSPORT, _PLUGIN_THREW or _PLUGIN_METHOD. */
  async get(scheme: string): Promise<Transport> {
    const loaded = this.loaded(scheme);
    if (loaded) return loaded;
    const known = this.schemes().join(', ') || 'none';
    throw new XferError('ERR_XFER_NO_TRANSPORT', `no transport for ${scheme}:// (there are: ${known})`);
  }
}

/** A registry of all that the plugins' hooks `xfer:transports` gave, each an array. */
export function registryFromHookResult(result: HookResult): TransportRegistry {
  const registry = new TransportRegistry();
  registry.addHookResult(result);
  return registry;
}
