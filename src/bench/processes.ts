import { probeTransport } from '../app/doctor-transports.js';
import type { BenchSetup, Contestant } from './contract.js';
import type { BenchSkipped } from './report.js';
import { baselineName } from './baseline-build.js';
import { BareEnd, benchId, reachEnd } from './bare-end.js';
import { benchWays, type BenchWay } from './ends.js';
import { FarSide } from './far-side.js';
import { farRunner } from './far-transfers.js';
import { fileRunner } from './file-processes.js';
import { pipeRunner } from './pipe-processes.js';
import type { ProcessWay } from './process-ends.js';

const probeTimeoutMs = 5_000;
/** What `auto` listens on: what a receiver does by itself, and quic. */
const autoSchemes: readonly string[] = ['tcp', 'udp', 'quic'];

/**
 * xfer as people run it, each end in a process of its own: `xfer recv` and `xfer send`, or two of `xfer pipe`. One contestant for
 * each transport, and for one large file straight there, where several were asked for, `auto`: the choice left to xfer. Of
 * another build to compare with there is one beside each. With a target the far ends run there.
 */
export async function* xferProcesses(setup: BenchSetup): AsyncGenerator<Contestant | BenchSkipped> {
  const { pattern } = setup.work;
  if (pattern !== 'file' && pattern !== 'small-files' && pattern !== 'pipe') return;
  const ways: (ProcessWay & { readonly far?: FarSide })[] = [];
  for (const way of benchWays(setup.transports, setup.use, setup.target)) {
    const { transport: name, scheme } = way;
    const lacking = await whyNot(setup, name, scheme);
    const far = lacking ?? (setup.target === undefined ? undefined : await farSide(setup, way));
    if (far && 'reason' in far) yield far;
    else ways.push({ name, schemes: [scheme], isAuto: false, ...(far ? { far } : {}) });
  }
  for (const { far, ...way } of ways) yield* builds(setup, way, far);
  const shared = ways.filter(({ name }) => autoSchemes.includes(name));
  const schemes = shared.flatMap((way) => way.schemes);
  if (schemes.length > 1 && pattern === 'file' && setup.hops === 0)
    yield* builds(setup, { name: 'auto', schemes, isAuto: true }, shared[0]?.far);
}

/** The other machine, as it is reached by that transport, or why nothing can be sent there. */
async function farSide(setup: BenchSetup, way: BenchWay): Promise<FarSide | BenchSkipped> {
  const { transport: name } = way;
  const end = await setup.kept.get(`bare: ${name}`, () => reachEnd(way, setup));
  if (!(end instanceof BareEnd)) return end.skipped;
  const side = new FarSide(end, await benchId(setup), setup.signal);
  const { lack } = await setup.kept.get(`transfers: ${name}`, async () => ({
    ...{ lack: await side.lack(), close: () => undefined },
  }));
  return lack ? { name, code: lack.code, reason: lack.message, remedy: lack.remedy } : side;
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

function builds(setup: BenchSetup, way: ProcessWay, far: FarSide | undefined): readonly Contestant[] {
  const { baselineProgram } = setup;
  const own = contestant(setup, way, far);
  if (baselineProgram === undefined) return [own];
  const other = contestant(setup, { ...way, program: baselineProgram });
  return [own, { ...other, name: baselineName(way.name), kind: 'baseline' }];
}

function contestant(setup: BenchSetup, way: ProcessWay, far?: FarSide): Contestant {
  const here = setup.work.pattern === 'pipe' ? pipeRunner : fileRunner;
  const run = far ? farRunner(setup, way, far) : here(setup, way);
  return {
    ...{ name: way.name, kind: 'xfer', isSealed: setup.isSealed, run },
    ...(way.isAuto ? {} : { transport: way.name }),
    ...(setup.isSealed ? {} : { how: 'unsealed' }),
    close: () => Promise.resolve(),
  };
}
