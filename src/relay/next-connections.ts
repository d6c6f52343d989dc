import type { Connection, Stream } from '../transport/contract.js';

/**
 * Where the streams of one incoming connection go: each place gets one connection of its own. Peers share none, so what
 * one does on it no other feels, and streams that come back on it belong to that peer.
 */
export class NextConnections {
  readonly #dial: (url: string) => Promise<Connection>;
  readonly #onReturn: (stream: Stream, header: Uint8Array) => void;
  readonly #byUrl = new Map<string, Promise<Connection>>();

  constructor(options: {
    dial(url: string): Promise<Connection>;
    /** The other end has opened a stream. */
    onReturn(stream: Stream, header: Uint8Array): void;
  }) {
    this.#dial = options.dial;
    this.#onReturn = options.onReturn;
  }

  get(url: string): Promise<Connection> {
    const known = this.#byUrl.get(url);
    if (known) return known;
    const dialled = this.#begin(url);
    this.#byUrl.set(url, dialled);
    const forget = () => {
      if (this.#byUrl.get(url) === dialled) this.#byUrl.delete(url);
    };
    dialled.then((connection) => connection.closed.then(forget), forget);
    return dialled;
  }

  /** Closes what has nothing open; the others are left as they are. */
  closeIdle(): void {
    this.#each((connection) => (connection.stats().streams === 0 ? connection.close() : undefined));
  }

  close(): void {
    this.#each((connection) => connection.close());
  }

  drain(): void {
    this.#each((connection) => connection.drain());
  }

  #each(call: (connection: Connection) => unknown): void {
    for (const dialled of this.#byUrl.values()) dialled.then(call, () => undefined);
  }

  async #begin(url: string): Promise<Connection> {
    const connection = await this.#dial(url);
    connection.onStream(this.#onReturn);
    return connection;
  }
}
