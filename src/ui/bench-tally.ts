import type { BenchObserver, WorkPlace } from '../bench/observer.js';
import { PassHistory, type PassRow } from '../bench/pass-history.js';
import type { BenchEntry, BenchProgress, BenchRow, BenchSample, BenchSkipped } from '../bench/report.js';
import type { BenchWork } from '../bench/work.js';
import type { XferError } from '../errors/index.js';
import { figureOf, figureSoFar } from './bench-figures.js';
import { timeLeft } from './bench-time-left.js';

/** A contestant of the work that is under way. */
export interface ContestantPicture {
  readonly entry: BenchEntry;
  readonly state: 'waiting' | 'running' | 'between' | 'done' | 'dropped';
  /** Figures of its runs, in their order; in the pattern's unit, see `figureOf`. */
  readonly figures: readonly number[];
  /** Of earlier passes, oldest first. */
  readonly passes: readonly PassRow[];
}

/** The run that is under way. */
export interface RunPicture {
  readonly entry: BenchEntry;
  readonly round: number;
  readonly seconds: number;
  /** At the moment, in the pattern's unit; undefined: nothing tells yet. */
  readonly figure: number | undefined;
  /** Oldest first. */
  readonly history: readonly number[];
  /** Bytes a second of each, at the moment. */
  readonly lanes: readonly number[];
  readonly rttMs: number | undefined;
  readonly lossShare: number | undefined;
  readonly cpu: NonNullable<BenchProgress['cpu']>;
}

/** A bench at one moment. */
export interface BenchPicture {
  readonly work: Pick<BenchEntry, 'pattern' | 'bytes' | 'count' | 'isBothWays'> | undefined;
  readonly place: WorkPlace;
  /** Of a bench that is repeated, from 1. */
  readonly pass: number | undefined;
  readonly contestants: readonly ContestantPicture[];
  readonly run: RunPicture | undefined;
  /** Of this pass: works that have not begun count as this one. */
  readonly runsDone: number;
  readonly runsInAll: number;
  readonly secondsLeft: number | undefined;
  /** What is said beside it, newest last. */
  readonly skipped: readonly BenchSkipped[];
}

/** Figures that a sparkline can show at most. */
const keptFigures = 240;
const leastSeconds = 0.05;
const nowhere: WorkPlace = { at: 1, of: 1, rounds: 1 };

/** Makes pictures of what a bench tells. Time is an argument, in milliseconds. */
export class BenchTally implements BenchObserver {
  readonly #now: () => number;
  readonly history = new PassHistory();
  #pass: number | undefined;
  #work: BenchWork | undefined;
  #place = nowhere;
  #entries: readonly BenchEntry[] = [];
  readonly #figures = new Map<string, number[]>();
  readonly #rows = new Set<string>();
  readonly #dropped = new Set<string>();
  #skipped: BenchSkipped[] = [];
  #before: BenchProgress | undefined;
  #run: RunPicture | undefined;
  #runsOfEarlierWorks = 0;
  /** Seconds from one run's end to the next, by contestant. */
  readonly #took = new Map<string, number[]>();
  #lastEnd = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  onPass(pass: number): void {
    this.#pass = pass;
    this.#skipped = [];
    this.#endWork();
    this.#work = undefined;
    this.#runsOfEarlierWorks = 0;
  }

  /** A pass that is tried again: what it lacked is said until the next one begins. */
  onFailed({ code, message, remedy }: XferError): void {
    this.#endRun();
    this.#skipped.push({ name: 'this pass', code, reason: message, remedy });
  }

  onWork(work: BenchWork, entries: readonly BenchEntry[], place: WorkPlace = nowhere): void {
    this.#endWork();
    this.#work = work;
    this.#entries = entries;
    this.#place = place;
    this.#lastEnd = this.#now();
  }

  onSkipped(skipped: BenchSkipped): void {
    this.#skipped.push(skipped);
    const lost = this.#entries.find(({ contestant }) => contestant === skipped.name);
    if (!lost) return;
    this.#dropped.add(lost.id);
    if (this.#run?.entry.id === lost.id) this.#endRun();
  }

  onProgress(progress: BenchProgress): void {
    const { entry, round, seconds, rttMs, lossShare } = progress;
    this.#place = { ...this.#place, rounds: progress.rounds };
    const isSame = this.#run?.entry.id === entry.id && this.#run.round === round;
    const before = isSame ? this.#before : undefined;
    const passed = seconds - (before?.seconds ?? 0);
    // So little time tells no rate.
    if (isSame && passed < leastSeconds) return;
    const history = isSame ? [...(this.#run?.history ?? [])] : [];
    const figure = figureSoFar(entry, { seconds: passed, bytes: progress.bytes - (before?.bytes ?? 0) });
    if (figure !== undefined) history.push(figure);
    this.#before = progress;
    this.#run = {
      ...{ entry, round, seconds, rttMs, lossShare },
      figure: figure ?? (isSame ? this.#run?.figure : undefined),
      history: history.slice(-keptFigures),
      lanes: (progress.lanes ?? []).map((bytes, at) =>
        passed > 0 ? Math.max(0, bytes - (before?.lanes?.[at] ?? 0)) / passed : 0,
      ),
      cpu: progress.cpu ?? [],
    };
  }

  onSample(entry: BenchEntry, round: number, sample: BenchSample): void {
    this.#place = { ...this.#place, rounds: Math.max(this.#place.rounds, round) };
    listIn(this.#figures, entry.id).push(figureOf(entry.pattern, sample));
    listIn(this.#took, entry.id).push((this.#now() - this.#lastEnd) / 1000);
    this.#endRun();
  }

  onRow(row: BenchRow): void {
    this.#rows.add(row.id);
    this.history.add(row);
  }

  picture(): BenchPicture {
    const { rounds, at, of } = this.#place;
    const isDropped = ({ id }: BenchEntry): boolean => this.#dropped.has(id);
    const runsHere = this.#entries.reduce(
      (sum, entry) => sum + (isDropped(entry) ? this.#runs(entry) : rounds),
      0,
    );
    const runsDone = this.#runsOfEarlierWorks + this.#runsHere();
    const runsInAll = this.#runsOfEarlierWorks + runsHere * Math.max(1, of - at + 1);
    return {
      ...{ work: this.#work, place: this.#place, pass: this.#pass, run: this.#run, runsDone, runsInAll },
      contestants: this.#entries.map((entry) => ({
        ...{ entry, state: this.#stateOf(entry), figures: this.#figures.get(entry.id) ?? [] },
        passes: this.history.of(entry),
      })),
      secondsLeft: timeLeft({
        ...{ took: this.#took, rounds, worksBehind: of - at },
        ids: this.#entries.filter((entry) => !isDropped(entry)).map(({ id }) => id),
        runningSeconds: (this.#now() - this.#lastEnd) / 1000,
      }),
      skipped: this.#skipped,
    };
  }

  #stateOf({ id }: BenchEntry): ContestantPicture['state'] {
    if (this.#dropped.has(id)) return 'dropped';
    if (this.#rows.has(id)) return 'done';
    if (this.#run?.entry.id === id) return 'running';
    const runs = this.#figures.get(id)?.length ?? 0;
    if (runs === 0) return 'waiting';
    return runs >= this.#place.rounds ? 'done' : 'between';
  }

  #runs({ id }: BenchEntry): number {
    return this.#figures.get(id)?.length ?? 0;
  }

  #runsHere(): number {
    return this.#entries.reduce((sum, entry) => sum + this.#runs(entry), 0);
  }

  #endRun(): void {
    this.#run = undefined;
    this.#before = undefined;
    this.#lastEnd = this.#now();
  }

  #endWork(): void {
    this.#runsOfEarlierWorks += this.#runsHere();
    this.#entries = [];
    for (const kept of [this.#figures, this.#took]) kept.clear();
    for (const kept of [this.#rows, this.#dropped]) kept.clear();
    this.#endRun();
  }
}

function listIn(map: Map<string, number[]>, id: string): number[] {
  const list = map.get(id) ?? [];
  map.set(id, list);
  return list;
}
