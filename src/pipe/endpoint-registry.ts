import { XferError } from '../errors/index.js';
import { PluginRegistry } from '../transport/plugin-registry.js';
import { endpointApiVersion, type EndpointDescriptor, type EndpointKind } from './endpoint.js';

/** The endpoints of this process, by URL scheme. A bad plugin is refused with its own code and takes no other down. */
export class EndpointRegistry extends PluginRegistry<EndpointKind, EndpointDescriptor> {
  constructor() {
    super({
      apiVersion: endpointApiVersion,
      noun: 'endpoint',
      lacks: 'its endpoints have',
      methods: ['check', 'open'],
    });
  }

  /** The scheme of what an endpoint of this registry reads; undefined for anything else, such as a target. */
  schemeOf(url: string): string | undefined {
    const scheme = /^([a-z][a-z0-9+.-]*):/.exec(url)?.[1];
    return scheme !== undefined && this.schemes().includes(scheme) ? scheme : undefined;
  }

  /** Loads the kind of a URL on first use. Rejects with ERR_XFER_NO_ENDPOINT, _PLUGIN_THREW or _PLUGIN_METHOD. */
  async kindOf(url: string): Promise<EndpointKind> {
    const scheme = this.schemeOf(url);
    const loaded = scheme === undefined ? undefined : this.loaded(scheme);
    if (loaded) return loaded;
    const known =
      this.schemes()
        .map((name) => `${name}:`)
        .join(', ') || 'none';
    throw new XferError('ERR_XFER_NO_ENDPOINT', `there is no such endpoint (there are: ${known})`);
  }
}
