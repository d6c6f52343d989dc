import {
  MuxBudget,
  MuxConnection,
  transportApiVersion,
  XferError,
  type Address,
  type DialOptions,
  type Listener,
  type ListenOptions,
  type MuxConfig,
  type OrderedLink,
  type StreamsLink,
  type Transport,
  type TransportDescriptor,
  type TransportMemory,
} from 'xfer/plugin';
import { MemoryLink, type MemoryHooks } from './memory-link.js';

export interface MemoryOptions {
  readonly mux?: Partial<MuxConfig>;
  readonly dialerHooks?: MemoryHooks;
  readonly listenerHooks?: MemoryHooks;
  /** Sees both ends of each new link, and where it leads. */
  readonly onLink?: (dialer: MemoryLink, listener: MemoryLink, to: Address) => void;
  /** Its connections say that they lead over a fabric. */
  readonly fabric?: boolean;
  /** In place of all of these: two ends of another link. */
  readonly pair?: () => readonly [StreamsLink, StreamsLink];
  /** What connections send from, each from one of its own. Default: they have none. */
  readonly memory?: () => TransportMemory;
}

/** Two mux drivers over an in-memory link, in one process; hosts do not matter, ports are names. */
export function memory(options: MemoryOptions = {}): TransportDescriptor {
  return {
    apiVersion: transportApiVersion,
    name: 'memory',
    schemes: ['memory'],
    load: () => Promise.resolve(new MemoryTransport(options)),
  };
}

class MemoryTransport implements Transport {
  readonly #options: MemoryOptions;
  readonly #listeners = new Map<number, ListenOptions>();
  #nextPort = 1;

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  probe(): Promise<{ ok: true; detail: string }> {
    return Promise.resolve({ ok: true, detail: 'inside this process' });
  }

  listen(at: Address, options: ListenOptions): Promise<Listener> {
    const port = at.port === 0 ? this.#nextPort++ : at.port;
    if (this.#listeners.has(port))
      return Promise.reject(new XferError('ERR_XFER_ADDRESS_IN_USE', `port ${port} is taken`));
    this.#listeners.set(port, options);
    const close = (): Promise<void> => {
      this.#listeners.delete(port);
      return Promise.resolve();
    };
    return Promise.resolve({ address: { ...at, port }, close });
  }

  async dial(to: Address, options: DialOptions): Promise<MuxConnection> {
    await Promise.resolve();
    options.signal.throwIfAborted();
    const listener = this.#listeners.get(to.port);
    if (!listener) throw new XferError('ERR_XFER_CONNECTION_REFUSED', `nobody listens on port ${to.port}`);
    const admission = listener.admit?.(to.host);
    if (listener.admit && !admission)
      throw new XferError('ERR_XFER_CONNECTION_LOST', 'the listener took no connection');
    const { mux, memory } = this.#options;
    const [left, right] = this.#options.pair?.() ?? this.#orderedPair(to);
    const config = mux ? { config: mux } : {};
    const here = { ...to, port: 0 };
    const accepted = new MuxConnection({
      link: right,
      role: 'listener',
      local: to,
      remote: here,
      ...(listener.limits ? { limits: listener.limits } : { budget: new MuxBudget() }),
      ...config,
      ...(memory ? { memory: memory() } : {}),
    });
    void accepted.closed.then(() => admission?.over());
    const dialed = new MuxConnection({
      link: left,
      role: 'dialer',
      local: here,
      remote: to,
      ...(options.limits ? { limits: options.limits } : { budget: new MuxBudget() }),
      ...config,
      ...(memory ? { memory: memory() } : {}),
    });
    if (this.#options.fabric) for (const connection of [accepted, dialed]) asFabric(connection);
    listener.onConnection(accepted, admission);
    return dialed;
  }

  #orderedPair(to: Address): readonly [OrderedLink, OrderedLink] {
    const { dialerHooks, listenerHooks, onLink } = this.#options;
    const [left, right] = MemoryLink.pair(dialerHooks, listenerHooks);
    onLink?.(left, right, to);
    return [left, right];
  }
}

function asFabric(connection: MuxConnection): void {
  const capabilities = { ...connection.capabilities, isFabric: true };
  Object.defineProperty(connection, 'capabilities', { value: capabilities });
}
