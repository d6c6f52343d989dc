import type { Finding, PathFinding, Verdict } from '../../src/app/finding.js';
import { runXfer, type RunOptions } from './run-xfer.js';

/** What `xfer doctor --json` said, by kind. */
export interface Diagnosis {
  readonly status: number | null;
  readonly findings: readonly Finding[];
  readonly paths: readonly PathFinding[];
  readonly verdict: Verdict | undefined;
  /** Code of the error, if there was one. */
  readonly error: string | undefined;
}

export async function diagnose(args: readonly string[], options: RunOptions = {}): Promise<Diagnosis> {
  const run = await runXfer(['doctor', '--json', ...args], { timeoutMs: 60_000, ...options });
  const { status, stdout } = await run.ended;
  return { status, ...readDiagnosis(stdout) };
}

export function readDiagnosis(stdout: string): Omit<Diagnosis, 'status'> {
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly event: string });
  const of = <Kind>(event: string): Kind[] => lines.filter((line) => line.event === event) as Kind[];
  return {
    findings: of<Finding>('finding'),
    paths: of<PathFinding>('path'),
    verdict: of<Verdict>('verdict')[0],
    error: of<{ code: string }>('error')[0]?.code,
  };
}
