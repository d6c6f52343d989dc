import { waysDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { formatAddress, parseUrl, type Address } from '../transport/address.js';
import type { Connection, ConnectionStats, TransportTuning } from '../transport/contract.js';
import { goodputOf, MeasuringDialer } from '../transport/measuring-dialer.js';
import type { TransportRegistry } from '../transport/registry.js';
import { schemeFamily } from '../transport/scheme-family.js';
import { topologyOf } from '../transport/topology.js';
import type { PathFinding } from './finding.js';
import type { NetworkInterface } from './machine-facts.js';
import { unlessAborted } from './unless-aborted.js';
import { planWays } from './ways-plan.js';

export interface PathsOptions {
  readonly transports: TransportRegistry;
  readonly addresses: readonly PathTo[];
  /** For each dial. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly interfaces: readonly NetworkInterface[];
  readonly tuning?: TransportTuning;
  /** As soon as it is known. */
  onPath(path: PathFinding): void;
}

/** One address of the target. */
export interface PathTo {
  readonly address: Address;
  /** At port 443, which nobody named: told of where it answers, or where nothing else does. */
  readonly isAside: boolean;
}

export interface TriedPaths {
  readonly paths: readonly PathFinding[];
  /** Something answered, and on this very machine. */
  readonly isSameHost: boolean;
}

const pings = 10;
const pingMs = 1_000;
const headerBytes = { 4: 28, 6: 48 } as const;

/**
 * Where a target may answer: with a scheme there alone, else wherever `xfer send` would try, and with each other transport
 * at the port that was named, or tcp's. Throws ERR_XFER_BAD_ADDRESS and, for rooms and the like, ERR_XFER_USAGE.
 */
export function addressesOf(target: string, all: readonly string[]): PathTo[] {
  // Those that say more of a transport are for who names them.
  const schemes = all.filter((scheme) => schemeFamily(scheme) === scheme);
  if (/^(local|room):/.test(target))
    throw new XferError('ERR_XFER_USAGE', 'the doctor takes [scheme://]host[:port] as its target');
  const named = parseUrl(target);
  if (target.includes('://')) return [{ address: named, isAside: false }];
  // Its default port is another one than that of the target as it stands.
  const hasPort = parseUrl(`quic://${target}`).port === named.port;
  const port = hasPort ? named.port : undefined;
  const planned = planWays({ host: named.host, port }, new Set(schemes)).map(({ address }) => address);
  const others = schemes.filter((name) => !planned.some(({ scheme }) => scheme === name));
  return [...planned, ...others.map((scheme) => ({ ...named, scheme }))].map((address) => ({
    address,
    isAside: !hasPort && address.port === waysDefaults.lastPort,
  }));
}

/** Dials them all at once, and measures one after the other what answered. Rejects with the signal's reason alone, at once. */
export async function tryPaths(options: PathsOptions): Promise<TriedPaths> {
  const { addresses, transports, signal } = options;
  const found: PathFinding[] = [];
  const tell = (path: PathFinding): void => {
    // What fails from then on says nothing of the path.
    if (signal.aborted) return;
    // What is not on this machine fails at every port alike.
    const isAgain = found.some(({ transport, code }) => transport === path.transport && code === path.code);
    if (path.code === 'ERR_XFER_NO_TRANSPORT' && isAgain) return;
    found.push(path);
    options.onPath(path);
  };
  const open = new Set<Connection>();
  const own = options.interfaces.flatMap(({ addresses: all }) =>
    all.map((address) => ({ address, cidr: null })),
  );
  let isSameHost = false;
  const abortAll = (): void => {
    const reason = new XferError('ERR_XFER_INTERRUPTED', 'not needed any more');
    for (const connection of open) connection.abort(reason);
  };
  const keep = (connection: Connection): void => {
    open.add(connection);
    isSameHost ||= topologyOf(connection.remote.host, own) === 'same-host';
    if (signal.aborted) abortAll();
  };
  signal.addEventListener('abort', abortAll, { once: true });
  try {
    // Loaded before, so that no dial waits for it.
    const loaded = Promise.allSettled(addresses.map(({ address }) => transports.get(address.scheme)));
    await unlessAborted(signal, loaded);
    const aside: PathFinding[] = [];
    const dialled = addresses.map(async ({ address, isAside }) => {
      const path = await dial(address, keep, options);
      if (!('state' in path)) return path;
      if (isAside) aside.push(path);
      else tell(path);
      return path;
    });
    // Behind the last of them, or there would be content between the pings.
    const order = await unlessAborted(signal, Promise.all(dialled));
    const answersElsewhere = order.some((path, at) => !('state' in path) && addresses[at]?.isAside === false);
    if (!answersElsewhere) for (const path of aside) tell(path);
    for (const path of order) {
      signal.throwIfAborted();
      if ('state' in path) continue;
      tell(await measure(path, options));
      await path.connection.close();
    }
  } finally {
    signal.removeEventListener('abort', abortAll);
    abortAll();
  }
  signal.throwIfAborted();
  return { paths: found, isSameHost };
}

interface OpenPath {
  readonly connection: Connection;
  readonly known: PathFinding;
  readonly dialer: MeasuringDialer | undefined;
}

async function dial(
  address: Address,
  keep: (connection: Connection) => void,
  { transports, timeoutMs, signal, tuning }: PathsOptions,
): Promise<OpenPath | PathFinding> {
  const path = { address: formatAddress(address), transport: address.scheme };
  const beganAt = performance.now();
  try {
    const transport = await transports.get(address.scheme);
    const connection = await transport.dial(address, { signal, timeoutMs, ...(tuning ? { tuning } : {}) });
    const connectMs = thousandths(performance.now() - beganAt);
    keep(connection);
    const opened = await openWithin(connection, timeoutMs);
    const works = { ...path, state: 'works', connectMs } as const;
    if ('refused' in opened) {
      const { refused, roundTripMs } = opened;
      return {
        connection,
        dialer: undefined,
        known: { ...works, ...tripsOf(roundTripMs === undefined ? [] : [roundTripMs]), unmeasured: refused },
      };
    }
    const trips = [opened.openedMs, ...(await opened.ping(pings, pingMs))];
    return { connection, dialer: opened, known: { ...works, ...tripsOf(trips) } };
  } catch (error) {
    const { code, message } = asXferError(error);
    return { ...path, state: 'fails', code, detail: message };
  }
}

/** Who listens may be no xfer at all, and say something else or nothing. Rejects with how the connection ended then. */
async function openWithin(connection: Connection, timeoutMs: number) {
  const silent = new XferError(
    'ERR_XFER_TIMEOUT',
    'something listens there, and says nothing as an xfer would',
  );
  const timer = setTimeout(() => connection.abort(silent), timeoutMs);
  const opened = await MeasuringDialer.open(connection);
  clearTimeout(timer);
  if (!('refused' in opened) || opened.refused !== 'lost') return opened;
  const lost = new XferError('ERR_XFER_CONNECTION_LOST', 'the other side ended the connection');
  connection.abort(lost);
  throw (await connection.closed).error ?? lost;
}

function tripsOf(trips: readonly number[]): Pick<PathFinding, 'minRttMs' | 'rttMs'> {
  const sorted = trips.map(thousandths).toSorted((a, b) => a - b);
  const [minRttMs, rttMs] = [sorted[0], sorted[Math.floor(sorted.length / 2)]];
  return minRttMs === undefined || rttMs === undefined ? {} : { minRttMs, rttMs };
}

async function measure(
  { connection, known, dialer }: OpenPath,
  { interfaces }: PathsOptions,
): Promise<PathFinding> {
  const before = connection.stats();
  const reports = await dialer?.sendContent();
  const after = connection.stats();
  const path = { ...known, ...mtuOf(connection, after, interfaces) };
  if (reports === undefined) return path;
  if (reports === 'busy') return { ...path, unmeasured: 'busy' };
  const goodput = goodputOf(reports);
  if (goodput === undefined) return { ...path, unmeasured: 'lost' };
  return { ...path, ...lossOf(before, after), goodput: Math.round(goodput) };
}

/** No clock here tells more, nor does anybody ask. */
const thousandths = (value: number): number => Math.round(value * 1000) / 1000;

function lossOf(before: ConnectionStats, after: ConnectionStats): { lossShare?: number } {
  const sent = (after.datagramsSent ?? 0) - (before.datagramsSent ?? 0);
  return sent > 0 ? { lossShare: Math.min(1, (after.lost - before.lost) / sent) } : {};
}

function mtuOf(
  { local, remote }: Connection,
  { datagramBytes }: ConnectionStats,
  interfaces: readonly NetworkInterface[],
): Pick<PathFinding, 'mtuBytes' | 'mtuOf'> {
  if (datagramBytes !== undefined)
    return { mtuBytes: datagramBytes + headerBytes[remote.host.includes(':') ? 6 : 4], mtuOf: 'path' };
  const mtuBytes = interfaces.find(({ addresses }) => addresses.includes(local.host))?.mtuBytes;
  return mtuBytes === undefined ? {} : { mtuBytes, mtuOf: 'interface' };
}
