import { exitStatus } from '../errors/index.js';
import type { TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import { withBesides } from './besides.js';
import { isContestant, type BenchSetup, type Contestant, type ContestantSource } from './contract.js';
import { benchDirectory } from './directory.js';
import { benchWays, transportsAsked } from './ends.js';
import { Kept } from './kept.js';
import { thisMachine } from './machine.js';
import { loopback, openPlace } from './places.js';
import type { BenchObserver, WorkPlace } from './observer.js';
import { peersWithoutWork } from './peers-without-work.js';
import { benchPlan, type BenchPlan, type PlanOptions } from './plan.js';
import type { BenchEntry, BenchLink, BenchReport, BenchRow, BenchSkipped } from './report.js';
import { benchEntry, benchRow, benchSample } from './row.js';
import { reference } from './reference.js';
import { runRounds } from './rounds.js';
import { benchSources } from './sources.js';
import { checkCombination } from './combination.js';
import { verdictFacts } from './verdict-facts.js';
import { benchVerdict } from './verdict.js';

export interface BenchOptions extends PlanOptions, Partial<BenchObserver> {
  readonly transports: TransportRegistry;
  /** `[scheme://]host[:port]`, where `serveBench` runs. Default: processes on this machine, which are started for it. */
  readonly target?: string;
  /** Names of transports, or schemes. Default: all, with a scheme in the target that one. */
  readonly use?: readonly string[];
  readonly tuning?: TransportTuning;
  readonly hops?: number;
  readonly lanes?: number;
  readonly recordBytes?: number;
  /** Default: true. */
  readonly isSealed?: boolean;
  /** Default: none. */
  readonly peers?: readonly string[] | 'found';
  /** `bin/run.js` of another build of xfer to compare with, round by round; only with patterns of processes. */
  readonly baselineProgram?: string;
  readonly countsCpu?: boolean;
  /** Between both ends, which are on this machine. Default: loopback. */
  readonly link?: BenchLink;
  /** Aborting it ends all with its reason. */
  readonly signal: AbortSignal;
  /** Who does the works. Default: all that there are. */
  readonly sources?: readonly ContestantSource[];
}

/**
 * Every work by everybody who can do it, in rounds. What cannot be done here is in the report as skipped, all of it perhaps: see
 * `whyNothing`. Rejects with an error of the target, where xfer lost or changed content, with a defect, with ERR_XFER_USAGE, and with the signal's reason.
 */
export async function bench(options: BenchOptions): Promise<BenchReport> {
  const { transports, target, signal, tuning = {}, hops = 0, isSealed = true } = options;
  const use = transportsAsked(transports, options.use, target);
  const ways = benchWays(transports, use, target);
  const isFabric =
    options.use !== undefined && ways.length > 0 && ways.every(({ scheme }) => isFabricScheme(scheme));
  const plan = benchPlan(options, {
    ...{ hasTarget: target !== undefined, isFabric },
    hasPeers: (options.peers ?? []).length > 0,
  });
  checkCombination(options, plan.works);
  const peers = options.peers ?? [];
  const kept = new Kept();
  const opened = options.link && (await openPlace(options.link));
  const place = opened ?? loopback;
  const rows: BenchRow[] = [];
  const skipped = new SkippedOnce((one) => options.onSkipped?.(one));
  let directory: Awaited<ReturnType<typeof benchDirectory>> | undefined;
  try {
    directory = await benchDirectory(plan.works);
    for (const one of await peersWithoutWork({ peers, place, works: plan.works })) skipped.add(one);
    for (const [index, work] of plan.works.entries()) {
      const setup: BenchSetup = {
        ...{ work, transports, use, tuning, place, hops, isSealed, peers, kept, signal },
        ...(target === undefined ? {} : { target }),
        ...(options.use === undefined ? { usesAll: true } : {}),
        ...(options.lanes === undefined ? {} : { lanes: options.lanes }),
        ...(options.recordBytes === undefined ? {} : { recordBytes: options.recordBytes }),
        ...(options.baselineProgram === undefined ? {} : { baselineProgram: options.baselineProgram }),
        ...{ countsCpu: options.countsCpu ?? false, directory: directory.path },
      };
      // Once for all sizes of a pattern: what it says of the machine does not hang on them.
      const isLater = plan.works.slice(0, index).some(({ pattern }) => pattern === work.pattern);
      const all = options.sources ?? benchSources;
      const sources = isLater ? all.filter((source) => source !== reference) : all;
      rows.push(...(await rowsOf(setup, sources, placeOf(index, plan), options, skipped)));
    }
  } finally {
    await kept.close();
    await opened?.close();
    await directory?.remove();
  }
  const measured = {
    ...({ schema: 'xfer-bench', version: 2 } as const),
    ...(await thisMachine()),
    parameters: parametersOf(options, plan, use),
    ...{ rows, skipped: skipped.all },
  };
  return { ...measured, verdict: benchVerdict(measured, await verdictFacts()) };
}

function placeOf(index: number, { works, repeats }: BenchPlan): WorkPlace {
  const pattern = works[index]?.pattern;
  const sizes = works.filter((work) => work.pattern === pattern).length;
  const isSweep = (pattern === 'latency' || pattern === 'memory') && sizes > 1;
  return { at: index + 1, of: works.length, rounds: repeats, isSweep };
}

async function rowsOf(
  setup: BenchSetup,
  sources: readonly ContestantSource[],
  place: WorkPlace,
  options: BenchOptions,
  skipped: SkippedOnce,
): Promise<readonly BenchRow[]> {
  const { work, signal, target } = setup;
  const { rounds } = place;
  const entries = new Map<Contestant, BenchEntry>();
  try {
    for (const source of sources)
      for await (const found of source(setup)) {
        if (isContestant(found)) entries.set(found, benchEntry(work, found));
        else skipped.add(found);
        signal.throwIfAborted();
      }
    const entryOf = (contestant: Contestant): BenchEntry =>
      entries.get(contestant) ?? benchEntry(work, contestant);
    // The reference by itself says nothing of what was asked for.
    if ([...entries.values()].every(({ kind }) => kind === 'reference')) return [];
    options.onWork?.(work, [...entries.values()], place);
    const runs = await runRounds([...entries.keys()], {
      ...{ rounds, signal },
      isFatal: ({ kind }, { exit, row: { origin } }) =>
        // No figure is worth anything beside content that arrived as another, or a defect of ours.
        (kind === 'xfer' && (exit === exitStatus.integrity || exit === exitStatus.internal)) ||
        // Nobody does anything with a target that is gone.
        (target !== undefined && (origin === 'network' || origin === 'remote')),
      onProgress: (contestant, round, progress) =>
        options.onProgress?.({ entry: entryOf(contestant), round, rounds, ...progress }),
      onRun: (contestant, round, result) => {
        const entry = entryOf(contestant);
        options.onSample?.(entry, round, benchSample(entry, result));
      },
      onDropped: (contestant, { code, message, remedy }) =>
        skipped.add({ name: contestant.name, code, reason: message, remedy }),
    });
    const rows = withBesides(
      [...runs].map(([contestant, results]) => benchRow(entryOf(contestant), results)),
    );
    for (const row of rows) options.onRow?.(row);
    return rows;
  } finally {
    for (const contestant of entries.keys()) await contestant.close();
  }
}

/** A source is asked for each work, and says the same each time: the report has it once. */
class SkippedOnce {
  readonly all: BenchSkipped[] = [];
  readonly #tell: (skipped: BenchSkipped) => void;

  constructor(tell: (skipped: BenchSkipped) => void) {
    this.#tell = tell;
  }

  add(skipped: BenchSkipped): void {
    const { name, code, reason } = skipped;
    this.#tell(skipped);
    if (this.all.some((one) => one.name === name && one.code === code && one.reason === reason)) return;
    this.all.push(skipped);
  }
}

function parametersOf(
  options: BenchOptions,
  plan: BenchPlan,
  use: readonly string[],
): BenchReport['parameters'] {
  const { target = null, peers = [], hops = 0, lanes = null, recordBytes = null } = options;
  const { congestion = null, mtuBytes = null, provider = null } = options.tuning ?? {};
  return {
    works: plan.works.map(({ pattern, bytes, count, limit }) => ({ pattern, bytes, count, limit })),
    ...{ repeats: plan.repeats, target, transports: use },
    peers: peers === 'found' ? ['found'] : peers,
    ...{ hops, lanes, recordBytes, congestion, mtuBytes, provider },
    ...{
      isSealed: options.isSealed ?? true,
      isBothWays: options.isBothWays ?? false,
      link: options.link ?? null,
    },
  };
}

function isFabricScheme(scheme: string): boolean {
  return scheme.split('+')[0] === 'rdma';
}
