import { XferError } from '../errors/index.js';
import { refuseOtherFlags } from './baseline-flags.js';
import { failedRows, type FailedRow } from './failed-rows.js';
import { rateShift, type RateShift } from './rate-shift.js';
import type { BenchReport, BenchRow, BenchSample } from './report.js';
import { isOfLatency, percent, resultWords, workWords } from './row-words.js';

/** A report beside an earlier one. */
export interface BaselineComparison {
  /** By what rows were judged. `raw`: as they are; `normalised`: by the reference rows of both; `both`: each of the two must agree. */
  readonly basis: 'raw' | 'normalised' | 'both';
  /** How fast the machine is now by then, as the reference rows have it; undefined without those. */
  readonly machineRatio?: number;
  readonly tolerance: number;
  /** Of xfer: what is in both, in the order of now. */
  readonly rows: readonly ComparedRow[];
  /** Rows of xfer that are in the baseline alone, and those that are new. */
  readonly missing: readonly BenchRow[];
  readonly added: readonly BenchRow[];
  /** Of those that are missing: what failed now, for whatever is no lack of this machine's. */
  readonly failed: readonly FailedRow[];
  /** Sentences about what else differs. */
  readonly notes: readonly string[];
}

export interface ComparedRow {
  readonly row: BenchRow;
  readonly was: BenchRow;
  /** Speed now by then: below 1 is slower. Of latency the time then by that now. */
  readonly ratio: number;
  /** The same through `machineRatio`; of latency there is none. */
  readonly normalisedRatio?: number;
  /** False: latency of another machine, which nothing makes comparable. */
  readonly isJudged: boolean;
  /** Of all pairs of a run then and one now, the share in which now was slower, as by the basis. */
  readonly slowerShare: number;
  readonly isRegression: boolean;
}

/**
 * A row is a regression where it lost more than the tolerance, and the runs agree that it did. What it lost is the median ratio of
 * all pairs of a run then and one now (`rateShift`), not that of the two medians: it is as robust, and a third more exact. The runs
 * agree where in so many of those pairs now is the slower one that chance has 7 of 100 for it: 20 of the 25 of five runs each; so
 * a machine on which runs scatter by more than the tolerance finds nothing rather than anything.
 *
 * Machines differ from day to day, too, all that is run alike. So the speed is taken by itself, and again divided by how the
 * reference rows changed (native code, over loopback, nothing of xfer's in it; the runs of all works together): on the same
 * machine and kernel a regression must be one both ways, on another machine the normalised speed alone decides. Peers are not
 * judged: nothing here makes them slower. Latency counts by the medians of its runs, as they are: the reference says how many bytes
 * a machine moves, not how soon it answers; so it is judged on the same machine and kernel alone.
 *
 * `tolerance` is a share of the speed. Throws ERR_XFER_USAGE where nothing can be compared.
 */
export function compareWithBaseline(
  report: BenchReport,
  baseline: BenchReport,
  tolerance: number,
): BaselineComparison {
  refuseOtherFlags(report.parameters, baseline.parameters);
  const isSameMachine = report.machine === baseline.machine && report.kernel === baseline.kernel;
  const machine = machineShift(report, baseline);
  if (!isSameMachine && !machine)
    throw new XferError(
      'ERR_XFER_USAGE',
      `the baseline is of another machine or kernel (${baseline.machine}, ${baseline.kernel}), and there are no reference rows in both to compare by`,
      { remedy: 'make a baseline on this machine, or both reports with the addon, which has the reference' },
    );
  const basis = !machine ? 'raw' : isSameMachine ? 'both' : 'normalised';
  const { shared, missing, added } = matched(report, baseline);
  const failed = failedRows(missing, report);
  const judging = { basis, machine: machine ?? 1, tolerance, isSameMachine } as const;
  const rows = shared.map(([row, was]) => compared(row, was, judging));
  if (failed.length === 0 && rows.length > 0 && !rows.some(({ isJudged }) => isJudged))
    throw new XferError('ERR_XFER_USAGE', `there is latency alone in both, and ${notJudged}`, {
      remedy: 'make a baseline on this machine',
    });
  if (failed.length === 0 && rows.length === 0)
    throw new XferError('ERR_XFER_USAGE', 'the baseline has no row in common with this run', {
      remedy: 'run the same patterns, sizes and transports as the baseline did',
    });
  return {
    basis,
    ...(machine === undefined ? {} : { machineRatio: machine }),
    tolerance,
    ...{ rows, missing, added, failed },
    notes: [
      ...notesOn(report, baseline, isSameMachine),
      ...(rows.every(({ isJudged }) => isJudged) ? [] : [notJudged]),
    ],
  };
}

/** `tcp (file, 1GiB): 621 MB/s, was 750 MB/s: 17 % slower, in 25 of 25 pairs of runs` */
export function comparedWords({
  row,
  was,
  ratio,
  normalisedRatio,
  slowerShare,
  isJudged,
}: ComparedRow): string {
  const pairs = row.samples.length * was.samples.length;
  const machine =
    normalisedRatio === undefined ? '' : ` (${changeWords(normalisedRatio)} beside the reference)`;
  return `${row.contestant} (${workWords(row)}): ${resultWords(row)}, was ${resultWords(was)}: ${changeWords(ratio)}${machine}, slower in ${Math.round(slowerShare * pairs)} of ${pairs} pairs of runs${isJudged ? '' : ', not judged'}`;
}

/** `udp (file, 1GiB): the other end is gone (ERR_XFER_CONNECTION_LOST)` */
export const failedWords = ({ row, code, reason }: FailedRow): string =>
  `${row.contestant} (${workWords(row)}): ${reason} (${code})`;

/** Throws ERR_XFER_REGRESSION, which names each row that is slower, and each that failed. */
export function refuseRegression({ rows, failed, tolerance }: BaselineComparison): void {
  const worse = rows.filter(({ isRegression }) => isRegression);
  if (worse.length === 0 && failed.length === 0) return;
  const many = (list: readonly unknown[]): string =>
    list.length === 1 ? 'one row is' : `${list.length} rows are`;
  const said = [
    ...(worse.length > 0
      ? [
          `${many(worse)} slower than the baseline by more than ${percent(tolerance)}: ${worse.map(comparedWords).join('; ')}`,
        ]
      : []),
    ...(failed.length > 0
      ? [`${many(failed)} in the baseline and failed now: ${failed.map(failedWords).join('; ')}`]
      : []),
  ];
  throw new XferError(
    'ERR_XFER_REGRESSION',
    said.join('; '),
    worse.length > 0 ? {} : { remedy: 'find what made it fail; or make a new baseline without it' },
  );
}

export const changeWords = (ratio: number): string =>
  ratio < 1 ? `${percent(1 - ratio)} slower` : `${percent(ratio - 1)} faster`;

interface Judging extends Pick<BaselineComparison, 'basis' | 'tolerance'> {
  readonly machine: number;
  readonly isSameMachine: boolean;
}

function compared(row: BenchRow, was: BenchRow, judging: Judging): ComparedRow {
  const { machine, tolerance, isSameMachine } = judging;
  // Those of native loops, which have no medians, too.
  const isTime = row.pattern === 'latency';
  const basis = isTime ? 'raw' : judging.basis;
  const isJudged = isSameMachine || !isTime;
  const then = speedsOf(was);
  const raw = rateShift(then, speedsOf(row));
  const normalised = rateShift(
    then,
    speedsOf(row).map((speed) => speed / machine),
  );
  const judged: readonly RateShift[] =
    basis === 'both' ? [raw, normalised] : basis === 'raw' ? [raw] : [normalised];
  return {
    row,
    was,
    ratio: raw.ratio,
    ...(basis === 'raw' ? {} : { normalisedRatio: normalised.ratio }),
    slowerShare: Math.min(...judged.map(({ lessShare }) => lessShare)),
    isJudged,
    isRegression:
      isJudged &&
      judged.every(
        ({ ratio, lessShare, lessShareWanted }) => ratio < 1 - tolerance && lessShare >= lessShareWanted,
      ),
  };
}

/** Of each run: bytes a second, of latency messages a second as the median has them. */
function speedsOf(row: BenchRow): readonly number[] {
  const isByTime = isOfLatency(row);
  const speed = ({ bytesPerSecond, latency, usPerTransfer }: BenchSample): number =>
    isByTime ? 1e6 / Math.max(leastUs, latency?.medianUs ?? usPerTransfer) : bytesPerSecond;
  return row.samples.map((sample) => Math.max(leastSpeed, speed(sample)));
}

/** A run that carried nothing is slower than any other, and can be divided by. */
const leastSpeed = 1e-9;
const leastUs = 1e-3;

/** Of all runs of the reference together, as there are many and each is short; each through the median of its row then. */
function machineShift(report: BenchReport, baseline: BenchReport): number | undefined {
  const old = byId(baseline.rows.filter(({ kind }) => kind === 'reference'));
  const then: number[] = [];
  const now: number[] = [];
  for (const row of report.rows) {
    const was = row.kind === 'reference' ? old.get(row.id) : undefined;
    if (!was) continue;
    const speeds = speedsOf(was);
    const middle = speeds.toSorted((one, other) => one - other)[speeds.length >> 1] ?? 1;
    then.push(...speeds.map((speed) => speed / middle));
    now.push(...speedsOf(row).map((speed) => speed / middle));
  }
  return then.length === 0 ? undefined : rateShift(then, now).ratio;
}

const byId = (rows: readonly BenchRow[]): ReadonlyMap<string, BenchRow> =>
  new Map(rows.map((row) => [row.id, row]));

function matched(report: BenchReport, baseline: BenchReport) {
  const ours = (rows: readonly BenchRow[]) => rows.filter(({ kind }) => kind === 'xfer');
  const [now, then] = [byId(ours(report.rows)), byId(ours(baseline.rows))];
  const shared: (readonly [BenchRow, BenchRow])[] = [];
  for (const row of now.values()) {
    const was = then.get(row.id);
    if (was) shared.push([row, was]);
  }
  return {
    shared,
    missing: [...then.values()].filter(({ id }) => !now.has(id)),
    added: [...now.values()].filter(({ id }) => !then.has(id)),
  };
}

const notJudged = 'latency of another machine or kernel is not comparable';

function notesOn(report: BenchReport, baseline: BenchReport, isSameMachine: boolean): string[] {
  const differs = (['machine', 'kernel', 'node'] as const).filter((name) => report[name] !== baseline[name]);
  const { target } = baseline.parameters;
  return [
    ...differs.map((name) => `${name}: ${report[name]}, and ${baseline[name]} in the baseline`),
    ...(isSameMachine ? [] : ['rates are judged beside the reference alone']),
    ...(target !== report.parameters.target
      ? [`target: ${report.parameters.target ?? ''}, and ${target ?? ''} in the baseline`]
      : []),
  ];
}
