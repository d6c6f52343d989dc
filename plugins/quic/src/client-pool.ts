import type { QuicClient, QuicConnection } from './binding.js';
import type { QuicContext } from './quic-context.js';

/** One socket of each family for all that is dialled, as long as the transport lives. It keeps no process alive. */
export class ClientPool {
  readonly #context: QuicContext;
  readonly #clients = new Map<4 | 6, SharedClient>();

  constructor(context: QuicContext) {
    this.#context = context;
  }

  /** Rejects with the signal's reason, else as the binding does. */
  dial(family: 4 | 6, ip: string, port: number, signal: AbortSignal): Promise<QuicConnection> {
    const client = this.#clients.get(family) ?? this.#open(family);
    return client.dial(ip, port, signal);
  }

  #open(family: 4 | 6): SharedClient {
    const { binding, quinn } = this.#context;
    const client = new SharedClient(new binding.Client(quinn, family === 4 ? 0 : 1), () =>
      this.#clients.delete(family),
    );
    this.#clients.set(family, client);
    return client;
  }
}

/**
 * A dial cannot be cancelled: one that nobody waits for goes on until quinn gives it up, and keeps the process alive until
 * then. So a client with nothing but such dials is closed, and the next dial opens another.
 */
class SharedClient {
  readonly #client: QuicClient;
  readonly #onClosed: () => void;
  #inUse = 0;
  #abandoned = 0;

  constructor(client: QuicClient, onClosed: () => void) {
    this.#client = client;
    this.#onClosed = onClosed;
  }

  dial(ip: string, port: number, signal: AbortSignal): Promise<QuicConnection> {
    return new Promise((resolve, reject) => {
      let isWanted = true;
      this.#inUse++;
      const stopped = (): void => {
        isWanted = false;
        this.#abandoned++;
        this.#leave();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', stopped, { once: true });
      this.#client
        .outboundConnection(ip, port)
        .then(
          (connection) => {
            if (!isWanted) return connection.abort();
            void connection.closed().finally(() => this.#leave());
            resolve(connection);
          },
          (error: unknown) => {
            if (isWanted) this.#leave();
            reject(error instanceof Error ? error : new Error(String(error)));
          },
        )
        .finally(() => {
          signal.removeEventListener('abort', stopped);
          if (!isWanted) this.#abandoned--;
        });
      if (signal.aborted) stopped();
    });
  }

  #leave(): void {
    this.#inUse--;
    if (this.#inUse > 0 || this.#abandoned === 0) return;
    this.#onClosed();
    this.#client.abort();
  }
}
