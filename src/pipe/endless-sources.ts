import type { Endpoint, EndpointKind, MessageSource } from './endpoint.js';
import { EndpointRegistry } from './endpoint-registry.js';

/**
 * Endpoints of which those that never end by themselves can be brought to an end in order: sources of messages, such as a
 * subscription. What was read of them goes where it goes.
 */
export class EndlessSources extends EndpointRegistry {
  readonly #open = new Set<MessageSource>();

  override async kindOf(url: string): Promise<EndpointKind> {
    const kind = await super.kindOf(url);
    const { listen, probe } = kind;
    return {
      ...(probe === undefined ? {} : { probe: () => probe.call(kind) }),
      check: (checked, use) => kind.check(checked, use),
      open: async (opened, options) => this.#watched(await kind.open(opened, options)),
      ...(listen === undefined
        ? {}
        : {
            listen: (heard, options) =>
              listen.call(kind, heard, {
                ...options,
                onEndpoint: (endpoint) => options.onEndpoint(this.#watched(endpoint)),
              }),
          }),
    };
  }

  /** They end as though there were nothing more. False where there is none. */
  stop(): boolean {
    for (const source of this.#open) source.stop();
    return this.#open.size > 0;
  }

  #watched(endpoint: Endpoint): Endpoint {
    const { label, source, sink } = endpoint;
    if (source?.kind !== 'messages') return endpoint;
    this.#open.add(source);
    return {
      ...{ label, source, ...(sink && { sink }) },
      close: () => {
        this.#open.delete(source);
        return endpoint.close();
      },
    };
  }
}
