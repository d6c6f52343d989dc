import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { XferError } from '../errors/index.js';
import { compareWithBaseline, type BaselineComparison } from './baseline.js';
import { entryId } from './entry-id.js';
import type { BenchReport, BenchRow } from './report.js';

const suffix = ', baseline';

/** What the contestant of another build is called. */
export const baselineName = (name: string): string => name + suffix;

/**
 * `bin/run.js` of the build in a directory; undefined: the path is no directory, so it is taken for a report. Rejects with
 * ERR_XFER_USAGE where no xfer is in there.
 */
export async function baselineProgram(path: string): Promise<string | undefined> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) return undefined;
  const program = join(resolve(path), 'bin', 'run.js');
  if (await stat(program).catch(() => undefined)) return program;
  throw new XferError('ERR_XFER_USAGE', `there is no bin/run.js in ${path}`, {
    remedy: 'name a directory with a build of xfer, or what xfer bench --json wrote',
  });
}

/**
 * The rows of this build beside those of the other one, of the same rounds, so that nothing else has to be allowed for. Throws
 * ERR_XFER_USAGE where the other one has no row.
 */
export function compareWithBuild(report: BenchReport, tolerance: number): BaselineComparison {
  const then = report.rows.filter(({ kind }) => kind === 'baseline').map(asOwn);
  if (then.length === 0)
    throw new XferError('ERR_XFER_USAGE', 'the other build did nothing that could be compared', {
      remedy: 'see above what was skipped and why, and run its bin/run.js by hand',
    });
  const now = report.rows.filter(({ kind }) => kind === 'xfer');
  return compareWithBaseline({ ...report, rows: now }, { ...report, rows: then }, tolerance);
}

/** As if this build had done it. */
function asOwn(row: BenchRow): BenchRow {
  const contestant = row.contestant.slice(0, -suffix.length);
  const own = { ...row, contestant, kind: 'xfer' as const };
  return { ...own, id: entryId(own, { ...own, name: contestant }) };
}
