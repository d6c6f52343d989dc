import {
  canonicalHost,
  type FabricApi,
  type FabricEndpoint,
  type FabricPeer,
  type FabricProvider,
} from 'xfer/plugin';
import type { RdmaConfig } from './config.js';
import { EndpointEvents } from './endpoint-events.js';
import { isOverIp } from './provider-choice.js';

/** So far into a large buffer begins the body of a sealed record: heads of 16 and 24 bytes, and 52 of the record. */
const largeLeadBytes = 92;

export interface OpenEndpoint {
  readonly endpoint: FabricEndpoint;
  readonly events: EndpointEvents;
  /** What the other side is told of it. */
  readonly party: FabricPeer;
}

/**
 * As `opening`, but rejects with the signal's reason when that is first: a provider may take long, or for ever. What opens later
 * goes to `close`.
 */
export async function openedWithin(
  signal: AbortSignal,
  opening: Promise<OpenEndpoint>,
  close: (endpoint: FabricEndpoint) => Promise<void>,
): Promise<OpenEndpoint> {
  let stopped = (): void => undefined;
  const stop = new Promise<never>((_, reject) => {
    stopped = () => reject(signal.reason as Error);
  });
  signal.addEventListener('abort', stopped, { once: true });
  if (signal.aborted) stopped();
  try {
    return await Promise.race([opening, stop]);
  } catch (thrown) {
    // Where it was the opening that failed there is nothing to close.
    void opening.then(
      ({ endpoint }) => close(endpoint),
      () => undefined,
    );
    throw thrown;
  } finally {
    signal.removeEventListener('abort', stopped);
  }
}

/** `localHost` is where the bootstrap reached this machine, and so may the fabric. Rejects with the provider's own words. */
export async function openEndpoint(
  api: FabricApi,
  { provider, maxMessageBytes }: FabricProvider,
  localHost: string | undefined,
  config: RdmaConfig,
): Promise<OpenEndpoint> {
  const { smallCount, largeCount, smallBytes } = config;
  const largeBytes = Math.min(config.largeBytes, maxMessageBytes);
  const host = isOverIp(provider) && localHost !== undefined ? canonicalHost(localHost) : undefined;
  const events = new EndpointEvents();
  const endpoint = await api.open({
    ...{ provider, smallCount, largeCount, smallBytes, largeBytes, largeLeadBytes },
    ...(host === undefined ? {} : { host }),
    onEvents: (all, count) => events.handle(all, count),
  });
  const { address, tag } = endpoint;
  return { endpoint, events, party: { address, tag, smallCount, largeCount, smallBytes, largeBytes } };
}
