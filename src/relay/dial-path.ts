import { asXferError, XferError } from '../errors/index.js';
import { parseUrl, type Address } from '../transport/address.js';
import type { Connection, TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import type { ProveHop } from './prove-hop.js';
import { maxHops } from './route.js';
import { RoutedConnection, shownHop, type Path } from './routed-connection.js';

export interface PathDialerOptions {
  /** Says who dials. Default: nobody does. */
  readonly prove?: ProveHop | undefined;
  /** As in RoutedHandlers. */
  readonly onStored?: ((relay: string) => void) | undefined;
  /** For the first relay. */
  readonly tuning?: TransportTuning | undefined;
}

/** Dials the first relay of a path: the alternative that worked last, then the others. */
export class PathDialer {
  readonly #transports: TransportRegistry;
  readonly #path: Path;
  readonly #options: PathDialerOptions;
  #next = 0;

  /** Throws ERR_XFER_USAGE for a path that is too long. */
  constructor(transports: TransportRegistry, path: Path, options: PathDialerOptions = {}) {
    if (path.relays.length > maxHops)
      throw new XferError('ERR_XFER_USAGE', `a path has at most ${maxHops} relays`);
    this.#transports = transports;
    this.#path = path;
    this.#options = options;
  }

  /** Rejects with an XferError that names the relay, or with the signal's reason. */
  async dial(signal: AbortSignal): Promise<RoutedConnection> {
    const alternatives = this.#path.relays[0] ?? [];
    let failure: XferError | undefined;
    for (let tries = 0; tries < alternatives.length; tries++) {
      const alternative = this.#next;
      const url = alternatives[alternative] ?? '';
      try {
        const inner = await this.#connect(parseUrl(url), signal);
        return this.#routed(inner, alternative, alternatives.length);
      } catch (thrown) {
        signal.throwIfAborted();
        const error = asXferError(thrown);
        failure ??= new XferError(error.code, `the relay ${shownHop(url)}: ${error.message}`, {
          cause: error,
        });
        this.#next = (alternative + 1) % alternatives.length;
      }
    }
    throw failure ?? new XferError('ERR_XFER_USAGE', 'the path has no relay');
  }

  async #connect(address: Address, signal: AbortSignal): Promise<Connection> {
    const transport = await this.#transports.get(address.scheme);
    const { prove, tuning } = this.#options;
    const connection = await transport.dial(address, { signal, ...(tuning ? { tuning } : {}) });
    try {
      await prove?.(connection, address, signal);
      return connection;
    } catch (error) {
      connection.abort(asXferError(error));
      throw error;
    }
  }

  /** The next dial begins with another alternative where this one came to a bad end. */
  #routed(inner: Connection, alternative: number, count: number): RoutedConnection {
    const turn = () => {
      if (this.#next === alternative) this.#next = (alternative + 1) % count;
    };
    void inner.closed.then(({ clean }) => clean || turn());
    const { onStored } = this.#options;
    const handlers = { onRefused: turn, ...(onStored ? { onStored } : {}) };
    return new RoutedConnection(inner, this.#path, alternative, handlers);
  }
}
