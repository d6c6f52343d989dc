import { createSocket, type Socket } from 'node:dgram';

/** Nothing that QUIC reads: a listener drops it. */
const stray = Uint8Array.of(0);
/** A firewall may let QUIC through and refuse the stray byte: so long quinn has to show it, a handshake to the far side of the world. */
const graceMs = 200;

/**
 * quinn's socket hears of no ICMP. So a connected socket beside it sends one byte, and is told where nobody listens,
 * or where no way leads there. What comes from the network is believed when quinn has had its time. Whoever forges such a message only ends a dial that has no answer yet.
 */
export class RefusalProbe {
  readonly #socket: Socket;
  #isOver = false;
  #isConnected = false;
  #timer: NodeJS.Timeout | undefined;

  /** `onRefused` gets the system's error, at most once; `onReady` the address that datagrams leave from. */
  constructor(
    { family, address, port }: { family: 4 | 6; address: string; port: number },
    { onReady, onRefused }: { onReady(host: string): void; onRefused(error: Error): void },
  ) {
    const fail = (error: Error): void => {
      if (this.#isOver || this.#timer) return;
      const refuse = () => {
        this.end();
        onRefused(error);
      };
      // What this machine says by itself is so.
      if (this.#isConnected) this.#timer = setTimeout(refuse, graceMs);
      else refuse();
    };
    this.#socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6' });
    this.#socket.on('error', fail);
    // Not as the callback of connect(), which gets what should be an 'error' and is called then, too.
    this.#socket.once('connect', () => {
      if (this.#isOver) return;
      this.#isConnected = true;
      onReady(this.#socket.address().address);
      this.#socket.send(stray, (error) => {
        if (error) fail(error);
      });
    });
    this.#socket.connect(port, address);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }
}
