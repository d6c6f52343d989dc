import type { BaselineComparison } from '../baseline.js';
import type { BenchReport } from '../report.js';
import { csv } from './csv.js';
import { githubActionBenchmark } from './github-action-benchmark.js';
import { junit } from './junit.js';
import { markdown } from './markdown.js';
import type { BenchFormat } from './names.js';

/** A report for another program: all of its text, with a line end behind it. `comparison`: where there was a baseline. */
export function formatReport(
  format: BenchFormat,
  report: BenchReport,
  comparison?: BaselineComparison,
): string {
  return writers[format](report, comparison);
}

const writers: Readonly<
  Record<BenchFormat, (report: BenchReport, comparison?: BaselineComparison) => string>
> = { 'github-action-benchmark': githubActionBenchmark, junit, markdown, csv };
