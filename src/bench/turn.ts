import { benchDefaults } from '../config/index.js';
import type { Connection } from '../transport/contract.js';

/** Whose turn it is: one bench at a time, with all its connections, from its first stream until the last of those has ended. */
export class BenchTurn {
  readonly #connections = new Set<Connection>();
  #id: string | undefined;
  #heldBytes = 0;

  /** A stream of that bench, which needs memory for a message, comes on that connection; whether it may. */
  take(connection: Connection, id: Uint8Array, messageBytes: number): boolean {
    const name = Buffer.from(id).toString('hex');
    if (this.#id !== undefined && this.#id !== name) return false;
    if (this.#heldBytes + messageBytes > benchDefaults.maxTurnBytes) return false;
    this.#id = name;
    this.#connections.add(connection);
    this.#heldBytes += messageBytes;
    return true;
  }

  /** Such a stream is over. */
  release(messageBytes: number): void {
    this.#heldBytes -= messageBytes;
  }

  /** The connection is over; its streams are released apart. */
  leave(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#id = undefined;
  }
}
