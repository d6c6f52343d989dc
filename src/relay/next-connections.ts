import type { Connection, Stream } from '../transport/contract.js';

/**
 * Where the streams of one incoming connection go: each place gets one connection of its own. Peers share none, so what
 * one does on it no other feels, and streams that come back on it belong to that peer.
 */
export class NextConnections {
  readonly #dial: (url: string, isRelay: boolean) => Promise<Connection>;
  readonly #onReturn: (stream: Stream, header: Uint8Array) => void;
  readonly #byPlace = new Map<string, Promise<Connection>>();

  constructor(options: {
    dial(url: string, isRelay: boolean): Promise<Connection>;
    /** The other end has opened a stream. */
    onReturn(stream: Stream, header: Uint8Array): void;
  }) {
    this.#dial = options.dial;
    this.#onReturn = options.onReturn;
  }

  /** `isRelay`: there is the next relay of a path, which is told who we are, or its end, which is not. */
  get(url: string, isRelay: boolean): Promise<Connection> {
    const place = `${isRelay ? 'relay' : 'end'} ${url}`;
    const known = this.#byPlace.get(place);
    if (known) return known;
    const dialled = this.#begin(url, isRelay);
    this.#byPlace.set(place, dialled);
    const forget = () => {
      if (this.#byPlace.get(place) === dialled) this.#byPlace.delete(place);
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
    for (const dialled of this.#byPlace.values()) dialled.then(call, () => undefined);
  }

  async #begin(url: string, isRelay: boolean): Promise<Connection> {
    const connection = await this.#dial(url, isRelay);
    connection.onStream(this.#onReturn);
    return connection;
  }
}
