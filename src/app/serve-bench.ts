import { benchDefaults } from '../config/index.js';
import { asXferError } from '../errors/index.js';
import { formatAddress } from '../transport/address.js';
import type { TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import { BenchPeer } from './bench-peer.js';
import type { XferEvent } from './events.js';
import { openListeners } from './listeners.js';
import { unlessAborted } from './unless-aborted.js';

export interface ServeBenchOptions {
  readonly transports: TransportRegistry;
  /** URLs to listen on. Default: as receivers do. */
  readonly listen: readonly string[];
  readonly tuning?: TransportTuning;
  /** Aborting it ends all. */
  readonly signal: AbortSignal;
  onEvent(event: XferEvent): void;
}

/**
 * The other end of `bench`, for whoever asks, one after the other: it proves nothing, asks for nothing and keeps nothing.
 * Runs until the signal, and rejects with its reason, or because it cannot listen.
 */
export async function serveBench(options: ServeBenchOptions): Promise<never> {
  const { transports, listen, tuning, signal, onEvent } = options;
  const peer = new BenchPeer();
  const { maxConnections } = benchDefaults;
  const listeners = await openListeners({
    transports,
    urls: listen,
    options: {
      onConnection: (connection) => peer.serve(connection),
      maxConnections,
      maxConnectionsPerAddress: maxConnections,
      ...(tuning ? { tuning } : {}),
    },
    onNote: (message) => onEvent({ event: 'note', message }),
  });
  try {
    onEvent({ event: 'listening', addresses: listeners.map(({ address }) => formatAddress(address)) });
    return await unlessAborted(signal, new Promise<never>(() => undefined));
  } finally {
    peer.close(asXferError(signal.reason));
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}
