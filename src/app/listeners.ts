import { defaultPorts } from '../config/index.js';
import { asXferError } from '../errors/index.js';
import { parseUrl, type Address } from '../transport/address.js';
import type { Listener, ListenOptions } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';

export interface ListenersOptions {
  readonly transports: TransportRegistry;
  /** Exactly these; none: tcp on every address, and udp at the same port number where there is that transport. */
  readonly urls: readonly string[];
  /** The same for every listener, so that limits count over all of them. */
  readonly options: ListenOptions;
  /** Of the default, 0 is any. Default: defaultPorts.tcp. */
  readonly defaultPort?: number;
  /** What is missing of the default. */
  onNote(message: string): void;
}

/** Listens on all of them, in their order, or rejects and listens on none. */
export async function openListeners({ urls, ...rest }: ListenersOptions): Promise<Listener[]> {
  if (urls.length === 0) return openDefault(rest);
  const opened: Listener[] = [];
  try {
    for (const address of urls.map(parseUrl)) opened.push(await listenAt(address, rest));
    return opened;
  } catch (error) {
    await Promise.all(opened.map((listener) => listener.close()));
    throw error;
  }
}

type DefaultOptions = Omit<ListenersOptions, 'urls'>;

/** tcp is what is needed; without udp beside it everything works, so that is no failure. */
async function openDefault(options: DefaultOptions): Promise<Listener[]> {
  const { transports, defaultPort: port = defaultPorts.tcp, onNote } = options;
  for (let tries = mostPairTries; ; tries--) {
    const tcp = await listenAt({ scheme: 'tcp', host: '::', port }, options);
    if (!transports.schemes().includes('udp')) return [tcp];
    try {
      return [tcp, await listenAt({ ...tcp.address, scheme: 'udp' }, options)];
    } catch (thrown) {
      const { code, message } = asXferError(thrown);
      if (port === 0 && code === 'ERR_XFER_ADDRESS_IN_USE' && tries > 1) {
        await tcp.close();
        continue;
      }
      onNote(`not listening on udp beside tcp: ${message}`);
      return [tcp];
    }
  }
}

async function listenAt(at: Address, { transports, options }: DefaultOptions): Promise<Listener> {
  const transport = await transports.get(at.scheme);
  return transport.listen(at, options);
}

/** Port numbers that are tried until one is free for both. */
const mostPairTries = 8;
