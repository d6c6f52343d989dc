import { parseUrl } from '../transport/address.js';
import type { Connection, TransportTuning } from '../transport/contract.js';
import { fabricApi } from '../native/load-fabric.js';
import type { BenchedTransport, BenchSkipped } from './events.js';
import { nativeError, nativeProviders } from './native-end.js';
import { nativeLoops, type NativeLoops } from './native-loops.js';
import type { BenchLoops } from './run.js';
import { streamLoops } from './stream-loops.js';

export interface Contestants {
  /** In the order in which they run. */
  readonly loops: readonly BenchLoops[];
  close(): Promise<void>;
}

/** What is run over a connection: its streams, and over a fabric native loops beside it, where both ends have those. */
export async function benchContestants(
  connection: Connection,
  { transport, address, isLocal }: BenchedTransport,
  { tuning = {}, signal }: { readonly tuning?: TransportTuning; readonly signal: AbortSignal },
  onSkipped: (skipped: BenchSkipped) => void,
): Promise<Contestants> {
  const streams = streamLoops(connection, signal);
  const fabric = connection.capabilities.isFabric === true ? await fabricApi() : undefined;
  let native: NativeLoops | undefined;
  if (fabric?.ok)
    try {
      const providers = await nativeProviders(fabric.api, parseUrl(address), tuning, isLocal);
      native = await nativeLoops(connection, fabric.api, providers, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const { code, message, remedy } = nativeError(thrown);
      onSkipped({ transport: `${transport}, native`, code, reason: message, remedy });
    }
  return {
    loops: native ? [native, streams] : [streams],
    close: async () => native?.close(),
  };
}
