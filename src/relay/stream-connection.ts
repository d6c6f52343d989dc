import { transportDefaults } from '../config/index.js';
import type { Address } from '../transport/address.js';
import {
  resetCode,
  type CloseReason,
  type Connection,
  type ConnectionCapabilities,
  type ConnectionStats,
  type Stream,
  type TransportMemory,
} from '../transport/contract.js';
import { DeadStream } from '../mux/index.js';
import { RelayedStream } from './relayed-stream.js';

/** One stream that came over a relay, for those who serve connections: it is all that this connection has. */
export class StreamConnection implements Connection {
  readonly isRelayed = true;
  /** That of the way to the relay. */
  readonly memory?: TransportMemory;
  readonly closed: Promise<CloseReason>;
  readonly #stream: Stream;
  readonly #header: Uint8Array;
  #reason: CloseReason = { by: 'remote', clean: true };

  constructor(stream: Stream, header: Uint8Array) {
    this.#stream = stream;
    this.#header = header;
    const { memory } = stream.connection;
    if (memory) this.memory = memory;
    this.closed = stream.closed.then(() => this.#reason);
  }

  get capabilities(): ConnectionCapabilities {
    // Whatever leads to the relay, nobody knows what leads on from there.
    return { ...this.#stream.connection.capabilities, isFabric: false };
  }

  get local(): Address {
    return this.#stream.connection.local;
  }

  /** That of the relay. */
  get remote(): Address {
    return this.#stream.connection.remote;
  }

  openStream(): Stream {
    return new DeadStream(this, 2);
  }

  onStream(handler: (stream: Stream, header: Uint8Array) => void): void {
    queueMicrotask(() => handler(new RelayedStream(this.#stream, this), this.#header));
  }

  drain(): void {
    // There is one stream, and there will be no other.
  }

  /** Waits for what was sent last to be on its way. */
  async close(): Promise<void> {
    const late = setTimeout(() => this.#stream.reset(resetCode.cancelled), transportDefaults.closeTimeoutMs);
    await this.closed;
    clearTimeout(late);
  }

  abort(error: Error): void {
    this.#reason = { by: 'local', clean: false, error };
    this.#stream.reset(resetCode.cancelled);
  }

  onSuspect(handler: (suspect: boolean) => void): void {
    this.#stream.connection.onSuspect(handler);
  }

  sendMessage(): void {
    // The other end of the connection is the relay's.
  }

  onMessage(): void {
    // As above.
  }

  stats(): ConnectionStats {
    return this.#stream.connection.stats();
  }
}
