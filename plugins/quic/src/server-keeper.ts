import type { QuicConnection, QuicServer } from './binding.js';

/**
 * Takes the connections of one server. Its calls wait for a handshake each, so there are many: as many as may be under
 * way before a new dialer has to wait. Its end would end every connection, so it comes behind the last of them.
 */
export class ServerKeeper {
  readonly #server: QuicServer;
  readonly #onConnection: (connection: QuicConnection) => void;
  #open = 0;
  #isClosed = false;
  #isOver = false;

  /** Whoever is told of a connection aborts it, if it is not wanted. */
  constructor(server: QuicServer, maxHandshakes: number, onConnection: (connection: QuicConnection) => void) {
    this.#server = server;
    this.#onConnection = onConnection;
    for (let i = 0; i < maxHandshakes; i++) void this.#take();
  }

  /** Resolves at once where connections are left: then the port is free behind the last of them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#endIfIdle();
  }

  async #take(): Promise<void> {
    for (;;) {
      let connection;
      try {
        connection = await this.#server.inboundConnection();
      } catch (thrown) {
        if (thrown instanceof Error && thrown.message === 'server closed') return;
        // A handshake that came to nothing.
        continue;
      }
      this.#handle(connection);
    }
  }

  #handle(connection: QuicConnection): void {
    this.#open++;
    void connection.closed().finally(() => {
      this.#open--;
      if (this.#isClosed) void this.#endIfIdle();
    });
    try {
      this.#onConnection(connection);
    } catch (thrown) {
      // Thrown on, it would end the process, and with it all other connections.
      connection.abort();
      process.emitWarning(thrown instanceof Error ? thrown : String(thrown));
    }
  }

  async #endIfIdle(): Promise<void> {
    if (this.#open > 0 || this.#isOver) return;
    this.#isOver = true;
    await this.#server.abort();
  }
}
