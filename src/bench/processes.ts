import { probeTransport } from '../app/doctor-transports.js';
import { XferError } from '../errors/index.js';
import type { BenchSetup, Contestant } from './contract.js';
import type { BenchSkipped } from './report.js';
import { baselineName } from './baseline-build.js';
import { benchWays } from './ends.js';
import { fileRunner } from './file-processes.js';
import { pipeRunner } from './pipe-processes.js';
import type { ProcessWay } from './process-ends.js';

const probeTimeoutMs = 5_000;
/** What `auto` listens on: what a receiver does by itself, and quic. */
const autoSchemes: readonly string[] = ['tcp', 'udp', 'quic'];

/**
 * xfer as people run it, each end in a process of its own: `xfer recv` and `xfer send`, or two of `xfer pipe`. One contestant for
 * each transport, and for one large file straight there, where several were asked for, `auto`: the choice left to xfer. Of
 * another build to compare with there is one beside each.
 */
export async function* xferProcesses(setup: BenchSetup): AsyncGenerator<Contestant | BenchSkipped> {
  const { pattern } = setup.work;
  if (pattern !== 'file' && pattern !== 'small-files' && pattern !== 'pipe') return;
  if (setup.target !== undefined)
    throw new XferError('ERR_XFER_USAGE', `${pattern} is measured between two ends on this machine alone`, {
      remedy: 'leave out the target, or take --pattern memory, streams or latency',
    });
  const ways: ProcessWay[] = [];
  for (const { transport: name, scheme } of benchWays(setup.transports, setup.use, undefined)) {
    const lacking = await whyNot(setup, name, scheme);
    if (lacking) yield lacking;
    else ways.push({ name, schemes: [scheme], isAuto: false });
  }
  for (const way of ways) yield* builds(setup, way);
  const schemes = ways.flatMap((way) => way.schemes).filter((scheme) => autoSchemes.includes(scheme));
  if (schemes.length > 1 && pattern === 'file' && setup.hops === 0)
    yield* builds(setup, { name: 'auto', schemes, isAuto: true });
}

async function whyNot(
  { transports, signal }: BenchSetup,
  name: string,
  scheme: string,
): Promise<BenchSkipped | undefined> {
  if (scheme === 'wss')
    return {
      ...{ name, code: 'ERR_XFER_NO_TRANSPORT', reason: 'a listener of wss needs a certificate' },
      remedy: 'measure ws, which is the same without TLS',
    };
  const probe = await probeTransport(transports, scheme, probeTimeoutMs, signal);
  if (probe.ok) return undefined;
  const { code, reason, remedy } = probe;
  return { name, code, reason, remedy };
}

function builds(setup: BenchSetup, way: ProcessWay): readonly Contestant[] {
  const { baselineProgram } = setup;
  const own = contestant(setup, way);
  if (baselineProgram === undefined) return [own];
  const other = contestant(setup, { ...way, program: baselineProgram });
  return [own, { ...other, name: baselineName(way.name), kind: 'baseline' }];
}

function contestant(setup: BenchSetup, way: ProcessWay): Contestant {
  const run = setup.work.pattern === 'pipe' ? pipeRunner(setup, way) : fileRunner(setup, way);
  return {
    ...{ name: way.name, kind: 'xfer', isSealed: setup.isSealed, run },
    ...(way.isAuto ? {} : { transport: way.name }),
    ...(setup.isSealed ? {} : { how: 'unsealed' }),
    close: () => Promise.resolve(),
  };
}
