import {
  dialTargets,
  transportDefaults,
  type Address,
  type DialLimit,
  type DialTarget,
  type Resolving,
} from 'xfer/plugin';
import { connect, type Socket } from 'node:net';

/**
 * Connects to the first address of the host that answers (RFC 8305): families in turns, the next one starts when the
 * one before failed or has been silent for a while, the others are dropped. The socket has not read yet.
 */
export async function connectAny(to: Address, limit: DialLimit, resolving: Resolving = {}): Promise<Socket> {
  const { signal } = limit;
  const targets = await dialTargets(to, limit, resolving);
  return new Promise((connected, failed) => {
    const race = new Race(targets, to.port, {
      won: (socket) => {
        signal.removeEventListener('abort', stopped);
        connected(socket);
      },
      lost: (error) => {
        signal.removeEventListener('abort', stopped);
        failed(limit.errorOf(error));
      },
    });
    const stopped = (): void => race.stop();
    signal.addEventListener('abort', stopped, { once: true });
    race.next();
  });
}

class Race {
  readonly #targets: DialTarget[];
  readonly #port: number;
  readonly #outcome: { won(socket: Socket): void; lost(error: unknown): void };
  readonly #running = new Set<Socket>();
  #timer: NodeJS.Timeout | undefined;
  #firstError: unknown;
  #over = false;

  constructor(
    targets: DialTarget[],
    port: number,
    outcome: { won(socket: Socket): void; lost(error: unknown): void },
  ) {
    this.#targets = [...targets];
    this.#port = port;
    this.#outcome = outcome;
  }

  next(): void {
    clearTimeout(this.#timer);
    const target = this.#targets.shift();
    if (!target) {
      if (this.#running.size === 0) this.#end(() => this.#outcome.lost(this.#firstError));
      return;
    }
    const socket = connect({
      host: target.address,
      port: this.#port,
      family: target.family,
      allowHalfOpen: true,
    });
    // Nothing is read before the handle is where it stays.
    socket.pause();
    this.#running.add(socket);
    socket.once('connect', () => {
      this.#running.delete(socket);
      socket.removeAllListeners();
      this.#end(() => this.#outcome.won(socket));
    });
    socket.once('error', (error) => {
      this.#running.delete(socket);
      this.#firstError ??= error;
      if (!this.#over) this.next();
    });
    this.#timer = setTimeout(() => this.next(), transportDefaults.happyEyeballsMs);
  }

  stop(): void {
    this.#end(() => this.#outcome.lost(undefined));
  }

  #end(tell: () => void): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    for (const socket of this.#running) socket.destroy();
    tell();
  }
}
