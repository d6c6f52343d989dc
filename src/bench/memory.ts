import type { Connection } from '../transport/contract.js';
import { benchMessage } from './message.js';

/** Messages of one size to send again and again, from memory that the transport need not copy where it has such. */
export class BenchMemory {
  readonly #connection: Connection;
  readonly #acquired: Buffer[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** A message of that kind (`benchMessage`); its bytes are never changed again. */
  message(bytes: number, kind: number): Uint8Array {
    const acquired = this.#connection.memory?.acquire(bytes);
    if (acquired) this.#acquired.push(acquired);
    const message = acquired?.subarray(0, bytes) ?? new Uint8Array(bytes);
    message.fill(benchMessage.count);
    message[0] = kind;
    return message;
  }

  /** When the transport has released all that was sent. */
  release(): void {
    for (const buffer of this.#acquired.splice(0)) this.#connection.memory?.release(buffer);
  }
}
