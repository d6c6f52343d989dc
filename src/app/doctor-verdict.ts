import { udpDefaults } from '../config/index.js';
import { formatRate, formatSize } from '../config/quantity.js';
import type { PathFinding, Verdict } from './finding.js';

/** What of this machine the verdict depends on. */
export interface VerdictFacts {
  /** The smaller of the two that a UDP socket has. */
  readonly bufferBytes?: number;
  /** What makes it larger. */
  readonly bufferRemedy?: string;
  /** Bytes a second that one core seals. */
  readonly sealing: number | undefined;
  /** A UDP socket is told here that nothing listens over there. */
  readonly hearsRefusals: boolean;
  /** The target is this machine: there is no path that could lose anything, only queues that run over. */
  readonly isSameHost: boolean;
}

interface Measured extends PathFinding {
  readonly goodput: number;
}

/** Two figures of two seconds each are the same within this. */
const sameShare = 1.1;
/** From here on loss is what TCP slows down for. */
const notableLoss = 0.001;
/** UDP carries both; a firewall that lets one through lets the other through. */
const overUdp = new Set(['udp', 'quic']);

/** What the paths mean, and what to type. Pure. */
export function verdictOf(paths: readonly PathFinding[], facts: VerdictFacts): Verdict {
  const working = paths.filter(({ state }) => state === 'works');
  const best = bestOf(working);
  if (!best) return { conclusions: ['Nothing answers there.', ...blocked(paths, facts)], remedies: [] };
  const lossy = facts.isSameHost ? [] : lossOn(working);
  const narrow = narrowBuffers(working, facts);
  return {
    best: best.address,
    conclusions: [
      praise(best, working),
      ...blocked(paths, facts),
      ...lossy,
      ...narrow,
      ...slowSealing(best, facts),
      ...unmeasured(working),
    ],
    remedies: [
      `xfer send PATH ${best.address}`,
      ...(narrow.length > 0 && facts.bufferRemedy !== undefined ? [facts.bufferRemedy] : []),
    ],
  };
}

const isMeasured = (path: PathFinding): path is Measured => path.goodput !== undefined;

/** The first of the fastest, where none was measured the nearest. Among equals the order of the transports counts, tcp first. */
function bestOf(working: readonly PathFinding[]): PathFinding | undefined {
  const measured = inOrder(working.filter(isMeasured));
  const most = Math.max(...measured.map(({ goodput }) => goodput));
  return (
    measured.find(({ goodput }) => goodput * sameShare >= most) ??
    inOrder(working).toSorted((a, b) => (a.minRttMs ?? Infinity) - (b.minRttMs ?? Infinity))[0]
  );
}

const preferred = ['tcp', 'udp', 'quic', 'ws', 'wss'];
const rank = ({ transport }: PathFinding): number =>
  preferred.includes(transport) ? preferred.indexOf(transport) : preferred.length;
const inOrder = <Path extends PathFinding>(paths: readonly Path[]): Path[] =>
  paths.toSorted((a, b) => rank(a) - rank(b));

function praise(best: PathFinding, working: readonly PathFinding[]): string {
  const name = best.transport;
  if (!isMeasured(best)) return `${name} works${working.length > 1 ? ', and answers first' : ''}.`;
  const speed = formatRate(best.goodput);
  const others = inOrder(working.filter(isMeasured)).filter(({ address }) => address !== best.address);
  const second = others.toSorted((a, b) => b.goodput - a.goodput)[0];
  if (!second) return `${name} carries ${speed}, and is the only one that was measured.`;
  const isSame = second.goodput * sameShare >= best.goodput;
  return isSame
    ? `${name} is as good here as any: it carries ${speed}, ${second.transport} ${formatRate(second.goodput)}.`
    : `${name} is best here: it carries ${speed}, ${timesOf(best.goodput / second.goodput)} what ${second.transport} does (${formatRate(second.goodput)}).`;
}

const timesOf = (ratio: number): string =>
  Number.isFinite(ratio) ? `${ratio.toFixed(ratio < 10 ? 1 : 0)} times` : 'and by far more than';

/** What is shut, as far as the answers of the others tell. */
function blocked(paths: readonly PathFinding[], { hearsRefusals }: VerdictFacts): string[] {
  const silent = (path: PathFinding) =>
    path.code === 'ERR_XFER_TIMEOUT' || path.code === 'ERR_XFER_UNREACHABLE';
  const of = (isUdp: boolean) => paths.filter(({ transport }) => overUdp.has(transport) === isUdp);
  const [udp, tcp] = [of(true), of(false)];
  const works = (some: readonly PathFinding[]) => some.some(({ state }) => state === 'works');
  const isSilent = (some: readonly PathFinding[]) => some.length > 0 && some.every(silent);
  const names = (some: readonly PathFinding[]) =>
    inOrder(some)
      .map(({ address }) => address)
      .join(', ');
  const said: string[] = [];
  if (isSilent(udp) && works(tcp) && !hearsRefusals)
    said.push(
      `UDP is blocked on the way, or nothing listens there, which looks the same without the addon: nothing comes back from ${names(udp)}.`,
    );
  else if (isSilent(udp) && works(tcp))
    said.push(`UDP seems blocked on the way: nothing comes back from ${names(udp)}.`);
  else if (works(udp) && isSilent(tcp))
    said.push(`TCP seems blocked on the way: nothing comes back from ${names(tcp)}.`);
  const open = paths.filter(({ state }) => state === 'works');
  if (paths.length > 1 && open.length > 0 && open.every(({ address }) => address.endsWith(':443')))
    said.push('Only port 443 gets through.');
  const refused = paths.filter(({ code }) => code === 'ERR_XFER_CONNECTION_REFUSED');
  if (refused.length > 0) said.push(`Nothing listens at ${names(refused)}.`);
  return said;
}

function lossOn(working: readonly PathFinding[]): string[] {
  const most = Math.max(0, ...working.filter((path) => !isOwn(path, working)).map(lossOf));
  if (most < notableLoss) return [];
  const share = `${(most * 100).toFixed(most < 0.1 ? 1 : 0)} %`;
  return [
    `The path loses ${share} of the packets: TCP and QUIC slow down for each, udp with --cc bbr (the default) does not.`,
  ];
}

const lossOf = ({ lossShare = 0 }: PathFinding): number => lossShare;

/**
 * What slows down for loss carried as much as the one that saw it, or more: then it was no loss of the path's, but a queue
 * that the measuring itself filled.
 */
const isOwn = ({ goodput = 0, transport }: PathFinding, working: readonly PathFinding[]): boolean =>
  working.some(
    (other) =>
      other.transport !== transport &&
      other.transport !== 'udp' &&
      isMeasured(other) &&
      lossOf(other) < notableLoss &&
      other.goodput * sameShare >= goodput,
  );

/** A path holds bandwidth × delay, and a buffer that is smaller loses what comes at once. */
function narrowBuffers(working: readonly PathFinding[], { bufferBytes }: VerdictFacts): string[] {
  const held = working.map(({ goodput = 0, minRttMs = 0 }) => (goodput * minRttMs) / 1000);
  const most = Math.max(0, ...held);
  // More than xfer asks for is of no use to it.
  if (bufferBytes === undefined || bufferBytes >= udpDefaults.socketBufferBytes) return [];
  if (most <= bufferBytes) return [];
  return [
    `The path holds ${formatSize(most)} (bandwidth × delay), more than the ${formatSize(bufferBytes)} of this machine's socket buffers.`,
  ];
}

function slowSealing(best: PathFinding, { sealing }: VerdictFacts): string[] {
  if (sealing === undefined || !isMeasured(best) || best.goodput <= sealing) return [];
  return [
    `The path is faster than one core seals (${formatRate(sealing)}): the processor will be the limit.`,
  ];
}

function unmeasured(working: readonly PathFinding[]): string[] {
  const why = new Set(working.map((path) => path.unmeasured));
  return [
    ...(why.has('not offered')
      ? ['The other side does not measure: it is an older xfer, or runs with --no-measure.']
      : []),
    ...(why.has('busy') ? ['The other side was busy and did not measure everything: try again later.'] : []),
    ...(why.has('refused') ? ['The other side measures only with whom it knows.'] : []),
    ...(why.has('lost') ? ['A connection broke while it was measured.'] : []),
  ];
}
