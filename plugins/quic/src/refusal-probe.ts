import { createSocket, type Socket } from 'node:dgram';

/** Nothing that QUIC reads: a listener drops it. */
const stray = Uint8Array.of(0);

/**
 * quinn's socket hears of no ICMP. So a connected socket beside it sends one byte, and is told at once where nobody
 * listens, or where no way leads there. Whoever forges such a message only ends a dial that has no answer yet.
 */
export class RefusalProbe {
  readonly #socket: Socket;
  #isOver = false;

  /** `onRefused` gets the system's error, at most once; `onReady` the address that datagrams leave from. */
  constructor(
    { family, address, port }: { family: 4 | 6; address: string; port: number },
    { onReady, onRefused }: { onReady(host: string): void; onRefused(error: Error): void },
  ) {
    const fail = (error: Error): void => {
      if (this.#isOver) return;
      this.end();
      onRefused(error);
    };
    this.#socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6' });
    this.#socket.on('error', fail);
    this.#socket.connect(port, address, () => {
      if (this.#isOver) return;
      onReady(this.#socket.address().address);
      this.#socket.send(stray, (error) => {
        if (error) fail(error);
      });
    });
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.close();
  }
}
