import type { BenchObserver } from '../bench/observer.js';
import type { XferError } from '../errors/index.js';
import { printable } from '../transfer/printable.js';
import { benchLines } from './bench-lines.js';
import { passesTables } from './bench-passes.js';
import { BenchTally } from './bench-tally.js';
import type { TableStyle } from './table-style.js';
import type { Write } from './view.js';

/** What is seen of a bench while it runs, on stderr, and what keeps that apart from stdout. */
export interface BenchShow extends BenchObserver {
  /** Of a bench that is repeated, from 1. */
  onPass(pass: number): void;
  /** A pass that will be tried again. */
  onFailed(error: XferError): void;
  /** A line for stdout: kept as long as a picture is on the same terminal; of several passes the last one's stay. */
  print(line: string): void;
  /** The terminal is as it was, and has what was kept. */
  close(): void;
  /** What all passes came to, behind `close`; undefined before the first row. */
  passes(style: TableStyle): string | undefined;
}

export interface ShowFlags {
  readonly json: boolean;
  readonly quiet: boolean;
  /** stdout is for a program in another way (`--format`). */
  readonly isForPrograms?: boolean;
}

export interface ShowOutputs {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

/** Pictures on a terminal, lines anywhere else, nothing with `--json`, `--quiet` or `--format`. */
export async function benchShow(flags: ShowFlags, outputs: ShowOutputs = process): Promise<BenchShow> {
  const { stdout, stderr, env } = outputs;
  const tally = new BenchTally();
  const passes = (style: TableStyle): string | undefined => passesTables(tally.history, style);
  const write: Write = (text) => void stdout.write(text);
  const isSilent = flags.json || flags.quiet || flags.isForPrograms === true;
  if (isSilent || !drawsOn(stderr, env)) {
    const said: Write = isSilent ? () => undefined : (text) => void stderr.write(text);
    const lines = benchLines(said);
    return {
      ...{ ...lines, passes, print: (line) => write(`${line}\n`), close: () => undefined },
      onRow: (row) => {
        tally.history.add(row);
        lines.onRow(row);
      },
      onPass: (pass) => said(`pass ${pass}\n`),
      onFailed: (error) => said(failedLine(error)),
    };
  }
  const { BenchScreen } = await import('./bench-screen.js');
  const screen = new BenchScreen(() => tally.picture(), stderr, env);
  await screen.open();
  let kept: string[] = [];
  let isOpen = true;
  return {
    onWork: (work, entries, place) => tally.onWork(work, entries, place),
    onSkipped: (skipped) => tally.onSkipped(skipped),
    onProgress: (progress) => tally.onProgress(progress),
    onSample: (entry, round, sample) => tally.onSample(entry, round, sample),
    onRow: (row) => tally.onRow(row),
    onPass: (pass) => {
      kept = [];
      tally.onPass(pass);
    },
    onFailed: (error) => tally.onFailed(error),
    print: (line) => {
      if (isOpen && stdout.isTTY) kept.push(line);
      else write(`${line}\n`);
    },
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      screen.close();
      for (const line of kept) write(`${line}\n`);
    },
    passes,
  };
}

/** In CI even a terminal is a log: there ink draws nothing before the end. */
function drawsOn(stderr: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  const isSet = (name: string): boolean => !['0', 'false', undefined].includes(env[name]);
  return stderr.isTTY && env['TERM'] !== 'dumb' && !isSet('CI') && !isSet('CONTINUOUS_INTEGRATION');
}

function failedLine({ message, code }: XferError): string {
  return `this pass has failed: ${printable(message)} (${code}); the next one follows in a while\n`;
}
