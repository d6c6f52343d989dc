import type { QuicConnection, QuicServer } from './binding.js';
import type { QuicConfig } from './config.js';
import { HandshakeCalls } from './handshake-calls.js';

/**
 * Takes the connections of one server. Its calls wait for a handshake each, so there are many, and more while handshakes
 * hold them. Its end would end every connection, so it comes behind the last of them.
 */
export class ServerKeeper {
  readonly #server: QuicServer;
  readonly #onConnection: (connection: QuicConnection) => Promise<void>;
  readonly #calls: HandshakeCalls;
  readonly #timer: NodeJS.Timeout;
  #open = 0;
  #isClosed = false;
  #isOver = false;

  /** Whoever is told of a connection aborts it, if it is not wanted, and resolves when it is over. */
  constructor(
    server: QuicServer,
    config: QuicConfig,
    onConnection: (connection: QuicConnection) => Promise<void>,
  ) {
    this.#server = server;
    this.#onConnection = onConnection;
    this.#calls = new HandshakeCalls(config);
    this.#look();
    this.#timer = setInterval(() => this.#look(), config.handshakeLookMs).unref();
  }

  /** Resolves at once where connections are left: then the port is free behind the last of them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#endIfIdle();
  }

  #look(): void {
    const wanted = this.#calls.handleAccepted(performance.now(), this.#server.stats().acceptedHandshakes);
    for (let i = 0; i < wanted; i++) void this.#take();
  }

  async #take(): Promise<void> {
    do {
      let connection;
      try {
        connection = await this.#server.inboundConnection();
      } catch (thrown) {
        const said = thrown instanceof Error ? thrown.message : '';
        if (said === 'server closed') return;
        // A handshake that came to nothing: one that went silent was begun; of others that is not known.
        if (said === 'timed out') this.#calls.handleOver();
        continue;
      }
      this.#calls.handleOver();
      this.#handle(connection);
    } while (this.#calls.handleReturned());
  }

  #handle(connection: QuicConnection): void {
    this.#open++;
    const handleOver = (): void => {
      this.#open--;
      if (this.#isClosed) void this.#endIfIdle();
    };
    const handleThrown = (thrown: unknown): void => {
      // Thrown on, it would end the process, and with it all other connections.
      connection.abort();
      process.emitWarning(thrown instanceof Error ? thrown : String(thrown));
      handleOver();
    };
    try {
      this.#onConnection(connection).then(handleOver, handleThrown);
    } catch (thrown) {
      handleThrown(thrown);
    }
  }

  async #endIfIdle(): Promise<void> {
    if (this.#open > 0 || this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#timer);
    await this.#server.abort();
  }
}
