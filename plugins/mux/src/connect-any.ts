import { XferError, transportDefaults, type Address } from 'xfer/plugin';
import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import type { DialLimit } from './dial-limit.js';

export interface Target {
  readonly address: string;
  readonly family: number;
}

export interface Resolving {
  /** `DialOptions.resolved`. */
  readonly resolved?: readonly string[] | undefined;
  /** Default: the system's. */
  readonly resolve?: (host: string) => Promise<Target[]>;
}

/**
 * Connects to the first address of the host that answers (RFC 8305): families in turns, the next one starts when the
 * one before failed or has been silent for a while, the others are dropped. The socket has not read yet.
 */
export async function connectAny(to: Address, limit: DialLimit, resolving: Resolving = {}): Promise<Socket> {
  const { signal } = limit;
  signal.throwIfAborted();
  const targets = await untilAborted(targetsOf(to, resolving), signal).catch((error: unknown) => {
    throw limit.errorOf(error);
  });
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

async function targetsOf(to: Address, { resolved, resolve = systemResolver }: Resolving): Promise<Target[]> {
  if (resolved) return inTurns(resolved.map(literal), to.host);
  const family = familyOf(to.host);
  return family === 0 ? inTurns(await resolve(to.host), to.host) : [{ address: to.host, family }];
}

const systemResolver = (host: string): Promise<Target[]> => lookup(host, { all: true, verbatim: true });
const familyOf = (host: string): number => isIP(host.split('%')[0] ?? '');

/** Whoever says which addresses may be dialled has looked at them: a name would be resolved once more. */
function literal(address: string): Target {
  const family = familyOf(address);
  if (family === 0) throw new XferError('ERR_XFER_USAGE', `${JSON.stringify(address)} is no IP address`);
  return { address, family };
}

function inTurns(found: readonly Target[], host: string): Target[] {
  if (found.length === 0) throw new XferError('ERR_XFER_UNKNOWN_HOST', `${host}: no address`);
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
