import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { XferError } from '../errors/index.js';
import type { Address } from './address.js';
import type { DialLimit } from './dial-limit.js';

/** One IP address of the host that is dialled. */
export interface DialTarget {
  readonly address: string;
  /** 4 or 6. */
  readonly family: number;
}

export interface Resolving {
  /** `DialOptions.resolved`. */
  readonly resolved?: readonly string[] | undefined;
  /** Default: the system's. */
  readonly resolve?: (host: string) => Promise<DialTarget[]>;
}

/** The addresses to try, families in turns (RFC 8305 §4). Rejects with what `limit.errorOf` says. */
export async function dialTargets(
  to: Address,
  limit: DialLimit,
  resolving: Resolving = {},
): Promise<DialTarget[]> {
  const { signal } = limit;
  signal.throwIfAborted();
  return untilAborted(targetsOf(to, resolving), signal).catch((error: unknown) => {
    throw limit.errorOf(error);
  });
}

async function targetsOf(
  to: Address,
  { resolved, resolve = systemResolver }: Resolving,
): Promise<DialTarget[]> {
  if (resolved) return inTurns(resolved.map(literal), to.host);
  const family = familyOf(to.host);
  return family === 0 ? inTurns(await resolve(to.host), to.host) : [{ address: to.host, family }];
}

const systemResolver = (host: string): Promise<DialTarget[]> => lookup(host, { all: true, verbatim: true });
const familyOf = (host: string): number => isIP(host.split('%')[0] ?? '');

/** Whoever says which addresses may be dialled has looked at them: a name would be resolved once more. */
function literal(address: string): DialTarget {
  const family = familyOf(address);
  if (family === 0) throw new XferError('ERR_XFER_USAGE', `${JSON.stringify(address)} is no IP address`);
  return { address, family };
}

function inTurns(found: readonly DialTarget[], host: string): DialTarget[] {
  if (found.length === 0) throw new XferError('ERR_XFER_UNKNOWN_HOST', `${host}: no address`);
  const first = found[0]?.family;
  const preferred = found.filter((entry) => entry.family === first);
  const others = found.filter((entry) => entry.family !== first);
  const turns: DialTarget[] = [];
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
