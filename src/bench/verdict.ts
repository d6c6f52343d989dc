import { sessionDefaults } from '../config/index.js';
import { formatSize } from '../config/quantity.js';
import { hasPath } from './has-path.js';
import type { BenchParameters, BenchReport, BenchRow, BenchVerdict } from './report.js';
import { percent, resultWords, threeDigits, workWords } from './row-words.js';
import type { VerdictFacts } from './verdict-facts.js';
import { limitOf, type VerdictLimit } from './verdict-limit.js';

/** What a verdict is made of. */
export type Measured = Omit<BenchReport, 'verdict'>;

type Bottleneck = BenchVerdict['bottleneck'];
interface Cause {
  readonly bottleneck: Bottleneck;
  readonly finding?: string;
  readonly advice?: readonly string[];
}

/** A link or a machine that carries so much of what it can is full. */
const fullShare = 0.85;
/** A process that keeps so much of a core busy has an event loop without time, unless its pool does it. */
const busyCores = 0.9;
/** All of them, of what the machine has. */
const busyShare = 0.85;
/** From here on loss is what TCP slows down for. */
const notableLoss = 0.001;
/** Of a socket's buffer the kernel gives content about half (tcp_adv_win_scale, tcp(7)); so near to that it is the limit. */
const windowShare = 0.5;
const nearWindow = 0.7;
/** Buffers that hold 1 Gbit/s over half a second. */
const wantedBufferBytes = 64 * 2 ** 20;
/** Runs that differ by more than this are told so. */
const wideSpread = 0.3;
/** About a twentieth. */
const sameLog = 0.05;
const overTcp = new Set(['tcp', 'ws', 'wss']);
/** What a bench is about, the first of these that was run; of its sizes the largest. */
const mainPatterns = ['file', 'pipe', 'memory', 'small-files', 'streams', 'latency'] as const;

/**
 * What the figures mean: of the fastest row of xfer's in the first of `mainPatterns` that was run. A cause is named where something
 * that was measured shows it, in the order of `causesOf`; else it is `unknown`. Pure.
 */
export function benchVerdict(report: Measured, facts: VerdictFacts): BenchVerdict {
  const best = mainRow(report.rows);
  if (!best) return { bottleneck: 'unknown', findings: withoutPath(report.rows), advice: [] };
  const limit = limitOf(best, report);
  const cause = causeOf(best, report, facts, limit?.share);
  return {
    bottleneck: cause.bottleneck,
    ...(limit === undefined ? {} : { share: Math.min(1, limit.share) }),
    findings: [
      headline(best, limit),
      cause.finding ?? 'Nothing that was measured tells what holds it back.',
      ...otherWays(best, report.rows),
      ...bareBeside(best, report.rows),
      ...peersBeside(best, report.parameters),
      ...unsteady(best),
    ],
    advice: cause.advice ?? [],
  };
}

function mainRow(rows: readonly BenchRow[]): BenchRow | undefined {
  return largestOf(rows.filter((row) => row.kind === 'xfer' && hasPath(row)));
}

/** The stream layer is xfer's, but nothing of a path or of this machine's kernel is in it. */
function withoutPath(rows: readonly BenchRow[]): string[] {
  const layer = largestOf(rows.filter(({ kind }) => kind === 'xfer'));
  return layer
    ? [headline(layer, undefined), 'There is no path in it, so nothing is said of one.']
    : ['Nothing of xfer was measured.'];
}

function largestOf(ours: readonly BenchRow[]): BenchRow | undefined {
  const pattern = mainPatterns.find((one) => ours.some((row) => row.pattern === one));
  const some = ours.filter((row) => row.pattern === pattern);
  const largest = Math.max(...some.map(({ bytes }) => bytes));
  return some
    .filter(({ bytes }) => bytes === largest)
    .toSorted((one, other) => other.bytesPerSecond - one.bytesPerSecond)[0];
}

function headline(best: BenchRow, limit: VerdictLimit | undefined): string {
  const work = workWords(best);
  if (best.pattern === 'latency' && best.latency)
    return `${best.contestant} takes ${resultWords(best)} one way at the median, ${threeDigits(best.latency.p99Us)} us at the 99th percentile (${work}).`;
  const share = limit ? `, ${percent(limit.share)} ${limit.what}` : '';
  return `${best.contestant} carried ${resultWords(best)} (${work})${share}.`;
}

/** The first that holds. What a transfer itself saw comes before what is concluded from outside, but for a link that is full. */
function causeOf(best: BenchRow, report: Measured, facts: VerdictFacts, share: number | undefined): Cause {
  if (best.pattern === 'latency')
    return {
      bottleneck: 'latency',
      finding: 'A message at a time waits for its way there and back, and for nothing else.',
    };
  return (
    fullLink(report, share) ??
    fullProcessor(best, report, facts) ??
    disk(best) ??
    busyProcessor(best, report, facts) ??
    loss(best, report, facts) ??
    window(best, report, facts) ??
    fullMachine(best, report, share) ??
    slowPath(best, report) ?? { bottleneck: 'unknown' }
  );
}

function fullLink({ parameters }: Measured, share: number | undefined): Cause | undefined {
  if (!parameters.link || share === undefined || share < fullShare) return undefined;
  return { bottleneck: 'network', finding: 'The link is full: no transport carries much more over it.' };
}

function fullMachine(best: BenchRow, { parameters }: Measured, share: number | undefined): Cause | undefined {
  if (parameters.link || share === undefined || share < fullShare) return undefined;
  const lanes = lanesOf(best, parameters);
  return {
    bottleneck: 'network',
    finding: `${lanes === 1 ? 'It is' : `Its ${lanes} lanes together are`} as fast as one connection gets on this machine.`,
    advice: moreLanes(lanes),
  };
}

const lanesOf = ({ path }: BenchRow, { lanes }: BenchParameters): number =>
  Math.max(1, path?.lanes ?? 1, lanes ?? 1);

/** Twice as many, where that may be asked for. */
const moreLanes = (lanes: number): string[] =>
  2 * lanes > sessionDefaults.maxLanes ? [] : [`xfer bench --lanes ${2 * lanes}`];

/** A pipe reads and writes none. */
function disk({ path, pattern }: BenchRow): Cause | undefined {
  const word = path?.bottleneck;
  if (pattern === 'pipe' || (word !== 'source' && word !== 'disk')) return undefined;
  const side = word === 'source' ? 'files to be read' : 'the receiver to write files';
  return {
    bottleneck: 'disk',
    finding: `The transfer waited for ${side}: a pipe shows what it does without.`,
    advice: ['xfer bench --pattern pipe'],
  };
}

function fullProcessor(
  best: BenchRow,
  { cores, parameters }: Measured,
  { addonRemedy }: VerdictFacts,
): Cause | undefined {
  const busy = coresOf(best).reduce((sum, one) => sum + one.cores, 0);
  if (parameters.target !== null || busy < busyShare * cores) return undefined;
  return {
    bottleneck: 'processor',
    finding: `Both ends share this machine, and keep ${threeDigits(busy)} of its ${cores} cores busy: the processor is the limit.`,
    // Of two machines each has its own.
    advice: [...(addonRemedy === undefined ? [] : [addonRemedy]), 'xfer bench --serve', 'xfer bench HOST'],
  };
}

/** An event loop has one core; more lanes help only where there are more cores. */
function busyProcessor(
  best: BenchRow,
  { cores, parameters }: Measured,
  { addonRemedy }: VerdictFacts,
): Cause | undefined {
  const finding = sealingBusy(best) ?? loopBusy(best);
  if (finding === undefined) return undefined;
  return {
    bottleneck: 'processor',
    finding,
    advice: [
      ...(addonRemedy === undefined ? [] : [addonRemedy]),
      ...(cores > 2 || parameters.target !== null ? moreLanes(lanesOf(best, parameters)) : []),
      ...(best.isSealed ? ['xfer bench --no-seal'] : []),
    ],
  };
}

/** The words of `Bottleneck` in src/transfer. */
function sealingBusy({ path, isSealed }: BenchRow): string | undefined {
  const does = isSealed ? { seal: 'seals', open: 'opens' } : { seal: 'sends', open: 'takes' };
  if (path?.bottleneck === 'seal')
    return `The transfer waited for the sender's processor, which ${does.seal} content.`;
  if (path?.bottleneck === 'open')
    return `The transfer waited for the receiver's processor, which ${does.open} content.`;
  return undefined;
}

function loopBusy(best: BenchRow): string | undefined {
  const most = coresOf(best).toSorted((one, other) => other.cores - one.cores)[0];
  if (!most || most.cores < busyCores) return undefined;
  return `The ${most.process} keeps ${threeDigits(most.cores)} cores busy, and its event loop has one.`;
}

/** Cores that each process kept busy, in the median run; without `--cpu` none. */
function coresOf({ cpu = [], seconds }: BenchRow): { readonly process: string; readonly cores: number }[] {
  return seconds > 0 ? cpu.map((one) => ({ process: one.process, cores: one.seconds / seconds })) : [];
}

/** Within this machine, where no link is emulated, nothing is lost but what queues could not hold. */
function loss(best: BenchRow, { parameters, rows }: Measured, facts: VerdictFacts): Cause | undefined {
  const { link, target, congestion } = parameters;
  if (!link && target === null) return undefined;
  const most = Math.max(link?.lossShare ?? 0, best.path?.lossShare ?? 0);
  if (most < notableLoss) return undefined;
  const { transport } = best;
  // What `auto` chose it does not tell, nor does its row.
  if (transport === undefined) return undefined;
  const slowsDown = transport !== 'udp' || congestion === 'cubic';
  if (!slowsDown) return undefined;
  const advice =
    transport === 'udp' || !rows.some((row) => row.transport === 'udp')
      ? ['xfer bench --transport udp --cc bbr']
      : [];
  const kernel =
    overTcp.has(transport) && facts.platform === 'linux' && !link
      ? [`${facts.sudo}sysctl -w net.ipv4.tcp_congestion_control=bbr`]
      : [];
  return {
    bottleneck: 'loss',
    finding: `The path loses ${percent(most)} of the packets, and ${transport === 'udp' ? 'cubic' : transport} slows down for each; udp with --cc bbr does not.`,
    advice: [...advice, ...kernel],
  };
}

/** What is under way, a lane, beside what sockets hold here. Of an emulated link the buffers are not this machine's. */
function window(best: BenchRow, { parameters }: Measured, facts: VerdictFacts): Cause | undefined {
  const { rttMs, lanes = 1 } = best.path ?? {};
  if (parameters.link || parameters.target === null || rttMs === undefined) return undefined;
  const held = (best.bytesPerSecond * rttMs) / 1000 / Math.max(1, lanes);
  const isUdp = best.transport === 'udp';
  if (!isUdp && !overTcp.has(best.transport ?? '')) return undefined;
  const buffer = isUdp ? facts.datagramBufferBytes : facts.streamBufferBytes;
  if (buffer === undefined || held < nearWindow * windowShare * buffer) return undefined;
  const remedy = isUdp ? facts.datagramBufferRemedy : streamBufferRemedy(facts);
  return {
    bottleneck: 'window',
    finding: `The path holds ${formatSize(held)} a lane (bandwidth × delay), as much as the socket buffers of this machine allow (${formatSize(buffer)} with the kernel's own part).`,
    advice: [...moreLanes(Math.max(1, lanes)), ...(remedy === undefined ? [] : [remedy])],
  };
}

function streamBufferRemedy({ platform, sudo, streamBufferBytes = 0 }: VerdictFacts): string | undefined {
  if (platform !== 'linux' || streamBufferBytes >= wantedBufferBytes) return undefined;
  return `${sudo}sysctl -w net.ipv4.tcp_rmem="4096 131072 ${wantedBufferBytes}" net.ipv4.tcp_wmem="4096 16384 ${wantedBufferBytes}"`;
}

/** Over a real path or a link that is not full: what the transfer says of itself. */
function slowPath({ path }: BenchRow, { parameters }: Measured): Cause | undefined {
  if (path?.bottleneck !== 'network' || (parameters.target === null && !parameters.link)) return undefined;
  return {
    bottleneck: 'network',
    finding: 'The transfer waited for the network.',
    advice: ['xfer bench --transport all'],
  };
}

/** What else xfer could go over for the same work. */
function otherWays(best: BenchRow, rows: readonly BenchRow[]): string[] {
  const others = rows.filter(
    (row) => row.kind === 'xfer' && hasPath(row) && row.id !== best.id && workWords(row) === workWords(best),
  );
  if (others.length === 0) return [];
  const list = others.map((row) => `${row.contestant} ${resultWords(row)}`);
  return [`On the same work: ${list.join(', ')}.`];
}

/** Without a session, files and sealing. */
function bareBeside(best: BenchRow, rows: readonly BenchRow[]): string[] {
  if (best.pattern === 'memory' || best.pattern === 'latency') return [];
  const bare = rows
    .filter((row) => row.kind === 'xfer' && row.pattern === 'memory' && row.transport === best.transport)
    .toSorted((one, other) => other.bytesPerSecond - one.bytesPerSecond)[0];
  if (!bare || bare.bytesPerSecond <= best.bytesPerSecond) return [];
  const rest = percent(1 - best.bytesPerSecond / bare.bytesPerSecond);
  return [
    `Bare, from memory to memory, ${bare.contestant} carries ${resultWords(bare)}: ${rest} of that goes to sealing, files and the protocol.`,
  ];
}

/** A peer is beaten, or beats, where every round says so. No relay is ever between its ends. */
function peersBeside({ besides = [], contestant }: BenchRow, { hops }: BenchParameters): string[] {
  return besides.map(({ contestant: name, ratio, min, max }) => {
    const peer = hops > 0 ? `${name} without relays` : name;
    const range = `${threeDigits(min)} to ${threeDigits(max)} in single rounds`;
    if (Math.abs(Math.log(ratio)) < sameLog || (min < 1 && max > 1))
      return `${contestant} and ${peer} are about as fast (${threeDigits(ratio)} times, ${range}).`;
    return ratio > 1
      ? `${contestant} is ${threeDigits(ratio)} times as fast as ${peer} (${range}).`
      : `${peer} is ${threeDigits(1 / ratio)} times as fast as ${contestant} (${threeDigits(1 / max)} to ${threeDigits(1 / min)} in single rounds).`;
  });
}

function unsteady({ spread, bytesPerSecond, samples }: BenchRow): string[] {
  const wide = (spread.max - spread.min) / bytesPerSecond;
  if (samples.length < 2 || !(wide > wideSpread)) return [];
  return [
    `Its runs differ by ${percent(wide)}: something else is at work here, or on the path. Trust ratios of the same round more.`,
  ];
}
