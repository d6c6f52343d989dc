import { isXferError, networkError, XferError, transportDefaults, type Address } from 'xfer/plugin';
import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';

export interface Target {
  readonly address: string;
  readonly family: number;
}

/**
 * Connects to the first address of the host that answers (RFC 8305): families in turns, the next one starts when the
 * one before failed or has been silent for a while, the others are dropped. The socket has not read yet.
 */
export async function connectAny(
  to: Address,
  signal: AbortSignal,
  timeoutMs: number,
  resolve?: (host: string) => Promise<Target[]>,
): Promise<Socket> {
  signal.throwIfAborted();
  const late = AbortSignal.timeout(timeoutMs);
  const name = `${to.host}:${to.port}`;
  const stop = AbortSignal.any([signal, late]);
  const targets = await untilAborted(targetsOf(to, resolve), stop).catch((error: unknown) => {
    throw reasonOf(error, name, signal, late);
  });
  return new Promise((connected, failed) => {
    const race = new Race(targets, to.port, {
      won: (socket) => {
        stop.removeEventListener('abort', stopped);
        connected(socket);
      },
      lost: (error) => {
        stop.removeEventListener('abort', stopped);
        failed(reasonOf(error, name, signal, late));
      },
    });
    const stopped = (): void => race.stop();
    stop.addEventListener('abort', stopped, { once: true });
    race.next();
  });
}

class Race {
  readonly #targets: Target[];
  readonly #port: number;
  readonly #outcome: { won(socket: Socket): void; lost(error: unknown): void };
  readonly #running = new Set<Socket>();
  #timer: NodeJS.Timeout | undefined;
  #firstError: unknown;
  #over = false;

  constructor(
    targets: Target[],
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

/** An IP address as a target. */
export const targetOf = (address: string): Target => ({ address, family: familyOf(address) });

const familyOf = (host: string): number => isIP(host.split('%')[0] ?? '');

async function targetsOf(
  to: Address,
  resolve: ((host: string) => Promise<Target[]>) | undefined,
): Promise<Target[]> {
  if (!resolve && familyOf(to.host) !== 0) return [targetOf(to.host)];
  const found = await (resolve?.(to.host) ?? lookup(to.host, { all: true, verbatim: true }));
  if (found.length === 0) throw new XferError('ERR_XFER_UNKNOWN_HOST', `${to.host}: no address`);
  const first = found[0]?.family;
  const preferred = found.filter((entry) => entry.family === first);
  const others = found.filter((entry) => entry.family !== first);
  const turns: Target[] = [];
  for (let i = 0; i < Math.max(preferred.length, others.length); i++)
    for (const entry of [preferred[i], others[i]]) if (entry) turns.push(entry);
  return turns;
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopped = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stopped, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stopped));
  });
}

function reasonOf(error: unknown, name: string, signal: AbortSignal, late: AbortSignal): Error {
  if (isXferError(error)) return error;
  if (signal.aborted) return signal.reason as Error;
  if (late.aborted) return new XferError('ERR_XFER_TIMEOUT', `${name}: no answer in time`);
  return networkError(error, name);
}
