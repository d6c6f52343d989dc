import { readFile, stat } from 'node:fs/promises';
import { fileError, XferError } from '../errors/index.js';
import { compareWithBuild } from './baseline-build.js';
import { compareWithBaseline, refuseRegression, type BaselineComparison } from './baseline.js';
import { formatReport } from './formats/format.js';
import type { BenchFormat } from './formats/names.js';
import type { BenchReport } from './report.js';
import { maxReportBytes, parseBenchReport } from './report-schema.js';

export interface FinishOptions {
  readonly format?: BenchFormat;
  /** Without a path it is another build, which has run in the same rounds. */
  readonly baseline?: { readonly path?: string; readonly tolerance: number };
  /** Takes the report in its format, all of it. */
  print(text: string): void;
  /** Where there is a baseline, and no format to tell of it. */
  onComparison(comparison: BaselineComparison): void;
}

/**
 * What is done with a finished report, for CI. The baseline is read at once, before anything runs: a wrong one is told with
 * ERR_XFER_USAGE. What is returned prints the report in any case, and throws behind it: ERR_XFER_REGRESSION, or ERR_XFER_USAGE for a
 * baseline of something else.
 */
export async function benchFinish(options: FinishOptions): Promise<(report: BenchReport) => void> {
  const { format, baseline, print, onComparison } = options;
  const then = baseline?.path === undefined ? undefined : await readReport(baseline.path);
  return (report) => {
    let comparison: BaselineComparison | undefined;
    try {
      if (baseline)
        comparison = then
          ? compareWithBaseline(report, then, baseline.tolerance)
          : compareWithBuild(report, baseline.tolerance);
    } finally {
      if (format !== undefined) print(formatReport(format, report, comparison));
    }
    if (!comparison) return;
    if (format === undefined) onComparison(comparison);
    refuseRegression(comparison);
  };
}

async function readReport(path: string): Promise<BenchReport> {
  const content = await contentOf(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  if (content === undefined)
    throw new XferError('ERR_XFER_USAGE', `${path}: larger than a report is`, {
      remedy: 'name what xfer bench --json wrote',
    });
  return parseBenchReport(content, path);
}

/** undefined: it is too large. */
async function contentOf(path: string): Promise<string | undefined> {
  return (await stat(path)).size > maxReportBytes ? undefined : readFile(path, 'utf8');
}
