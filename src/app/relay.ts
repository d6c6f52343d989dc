import { defaultPorts } from '../config/index.js';
import { asXferError } from '../errors/index.js';
import { Relay } from '../relay/relay.js';
import { formatAddress, parseUrl } from '../transport/address.js';
import type { Listener } from '../transport/contract.js';
import type { CommonOptions } from './options.js';

export interface RelayRunOptions extends Pick<CommonOptions, 'signal' | 'onEvent' | 'transports'> {
  /** URLs; default: tcp on every address, port 4840. */
  readonly listen: readonly string[];
}

/** Forwards streams for others. Goes on until the signal: then it rejects with ERR_XFER_INTERRUPTED. */
export async function relay(options: RelayRunOptions): Promise<void> {
  const { signal, transports, onEvent } = options;
  const forwarding = new Relay({
    transports,
    mayDial: () => true,
    identify: ({ remote }) =>
      Promise.resolve({ key: undefined, name: remote.host, trust: 'stranger', weight: 1 }),
  });
  const listeners: Listener[] = [];
  const stopped = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(asXferError(signal.reason)), { once: true });
  });
  stopped.catch(() => undefined);
  try {
    const urls = options.listen.length > 0 ? options.listen : [`tcp://[::]:${defaultPorts.tcp}`];
    for (const url of urls) {
      const address = parseUrl(url);
      const transport = await transports.get(address.scheme);
      listeners.push(
        await transport.listen(address, {
          onConnection: (connection) => forwarding.handleConnection(connection),
        }),
      );
    }
    signal.throwIfAborted();
    onEvent({ event: 'listening', addresses: listeners.map(({ address }) => formatAddress(address)) });
    await stopped;
  } finally {
    await Promise.all(listeners.map((listener) => listener.close()));
    await forwarding.close();
  }
}
