import { resolve } from 'node:path';
import { benchDefaults } from '../config/index.js';
import { asXferError, fileError } from '../errors/index.js';
import type { FabricApi } from '../native/fabric-api.js';
import { fabricApi } from '../native/load-fabric.js';
import { formatAddress } from '../transport/address.js';
import { openErrorCode, type TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import { answerNativeBench } from './native-answers.js';
import { nativeProviders } from './native-end.js';
import { ownDirectory } from './directory.js';
import { BenchPeer, type NativeAnswerer } from './peer.js';
import type { ServedTransfers } from './served-transfer.js';
import { streamsLimits } from './streams-limits.js';
import type { XferEvent } from '../app/events.js';
import { openListeners } from '../app/listeners.js';
import { unlessAborted } from '../app/unless-aborted.js';
import { printable } from '../transfer/printable.js';

export interface ServeBenchOptions {
  readonly transports: TransportRegistry;
  /** URLs to listen on. Default: as receivers do. */
  readonly listen: readonly string[];
  readonly tuning?: TransportTuning;
  /** Whole transfers, too: what they write lies in a directory of its own in this one, and is removed behind each. */
  readonly files?: { readonly directory: string; readonly port?: number };
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
  const fabric = await fabricApi();
  const peer = new BenchPeer(
    fabric.ok ? nativeAnswerer(fabric.api, tuning) : undefined,
    options.files && (await servedTransfers(options.files, options)),
  );
  const { maxConnections } = benchDefaults;
  const listeners = await openListeners({
    transports,
    urls: listen,
    options: {
      onConnection: (connection) => peer.serve(connection),
      maxConnections,
      maxConnectionsPerAddress: maxConnections,
      limits: streamsLimits(),
      ...(tuning ? { tuning } : {}),
    },
    onNote: (message) => onEvent({ event: 'note', message }),
  });
  try {
    const addresses = listeners.map(({ address }) => formatAddress(address));
    onEvent({ event: 'listening', addresses, bench: true });
    return await unlessAborted(signal, new Promise<never>(() => undefined));
  } finally {
    await peer.close(asXferError(signal.reason));
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}

/** Rejects as a file operation does where nothing can be written there. */
async function servedTransfers(
  { directory, port }: { readonly directory: string; readonly port?: number },
  { transports, tuning = {}, onEvent }: ServeBenchOptions,
): Promise<ServedTransfers> {
  try {
    await (await ownDirectory(directory)).remove();
  } catch (cause) {
    throw fileError(cause, `cannot write in ${printable(directory)}`);
  }
  const schemes = transports.schemes();
  const onNote = (message: string): void => onEvent({ event: 'note', message });
  return { directory: resolve(directory), schemes, tuning, onNote, ...(port === undefined ? {} : { port }) };
}

/** By the first provider that is offered, and that this side has and may use. */
function nativeAnswerer(api: FabricApi, tuning: TransportTuning = {}): NativeAnswerer {
  return (stream, offered) => {
    // Whoever offers shared memory knows that both are on one machine.
    void nativeProviders(api, stream.connection.local, tuning, true).then(
      (own) => {
        const provider = offered.find((name) => own.includes(name));
        if (provider === undefined) return stream.refuse(openErrorCode.refused);
        return answerNativeBench(stream, api, provider);
      },
      () => stream.refuse(openErrorCode.refused),
    );
  };
}
