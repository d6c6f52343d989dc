import { defaultPorts } from '../config/index.js';
import { asXferError } from '../errors/index.js';
import { parseUrl, type Address } from '../transport/address.js';
import type { Listener, ListenOptions } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import type { FabricGain } from './fabric-gain.js';

export interface ListenersOptions {
  readonly transports: TransportRegistry;
  /** Exactly these; none: tcp on every address, and beside it udp at the same port number and quic, where there are those, and rdma as `gain` has it. */
  readonly urls: readonly string[];
  /** The same for every listener, so that limits count over all of them. */
  readonly options: ListenOptions;
  /** Of tcp and udp; 0: any, for the others too. Default: `defaultPorts`. */
  readonly defaultPort?: number;
  /** Whether rdma is listened on as well: where this machine has hardware for it. Default: never. */
  readonly gain?: (isSameHost: boolean) => Promise<FabricGain>;
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

/** tcp is what is needed; without the others beside it everything works, so that is no failure. */
async function openDefault(options: DefaultOptions): Promise<Listener[]> {
  const opened = await openPair(options);
  const quic = await openBeside('quic', options);
  const rdma = (await gainsByFabric(options)) ? await openBeside('rdma', options) : undefined;
  return [...opened, ...(quic ? [quic] : []), ...(rdma ? [rdma] : [])];
}

/** Software providers gain nothing over tcp on a network: they are for who asks for them. */
async function gainsByFabric({ transports, gain }: DefaultOptions): Promise<boolean> {
  if (!gain || !transports.schemes().includes('rdma')) return false;
  return (await gain(false)).ok;
}

/** tcp, and udp of the same number. */
async function openPair(options: DefaultOptions): Promise<Listener[]> {
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

/** Nothing is said where this machine has no such transport: `xfer doctor` does. */
async function openBeside(scheme: 'quic' | 'rdma', options: DefaultOptions): Promise<Listener | undefined> {
  const { transports, defaultPort, onNote } = options;
  if (!transports.schemes().includes(scheme)) return undefined;
  const port = defaultPort === 0 ? 0 : defaultPorts[scheme];
  try {
    return await listenAt({ scheme, host: '::', port }, options);
  } catch (thrown) {
    const { code, message } = asXferError(thrown);
    if (code !== 'ERR_XFER_NO_TRANSPORT') onNote(`not listening on ${scheme} beside tcp: ${message}`);
    return undefined;
  }
}

async function listenAt(at: Address, { transports, options }: DefaultOptions): Promise<Listener> {
  const transport = await transports.get(at.scheme);
  return transport.listen(at, options);
}

/** Port numbers that are tried until one is free for both. */
const mostPairTries = 8;
