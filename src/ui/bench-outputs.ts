import { benchFinish, type FinishOptions } from '../bench/finish.js';
import type { BenchObserver } from '../bench/observer.js';
import type { BenchReport } from '../bench/report.js';
import { checkReportPath, writeReport } from '../bench/write-report.js';
import { hasRows, whyNothing } from '../bench/why-nothing.js';
import { asXferError, exitStatus, type XferError } from '../errors/index.js';
import { printableJson } from '../transfer/printable.js';
import { comparisonLines } from './bench-comparison.js';
import { benchShow } from './bench-show.js';
import { benchView } from './bench-view.js';
import { tableStyle } from './table-style.js';

export interface OutputOptions extends Pick<FinishOptions, 'format' | 'baseline'> {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Where a page of the report goes. */
  readonly reportPath?: string;
  /** With `json`: an error was told before the report, which is the last line, and need not be told again. */
  onTold?(error: XferError): void;
}

/** All that comes of a bench: tables, lines or a format on stdout, the picture of it on stderr, its page, its baseline. */
export interface BenchOutputs extends BenchObserver {
  onPass(pass: number): void;
  onFailed(error: XferError): void;
  /** Throws ERR_XFER_REGRESSION behind all that is printed, and why nothing of xfer's was measured where that is an error. */
  onReport(report: BenchReport): Promise<void>;
  /** The terminal is as it was. */
  close(): void;
  /** Behind `close`: what the passes of --watch came to. */
  printPasses(): void;
}

/** Refuses what cannot be written or compared with before anything is run. */
export async function benchOutputs({
  json,
  quiet,
  format,
  baseline,
  reportPath,
  onTold,
}: OutputOptions): Promise<BenchOutputs> {
  const style = tableStyle({ json });
  if (reportPath !== undefined) await checkReportPath(reportPath);
  const show = await benchShow({ json, quiet, isForPrograms: format !== undefined });
  const finish = await benchFinish({
    ...(format === undefined ? {} : { format }),
    ...(baseline === undefined ? {} : { baseline }),
    print: (text) => show.print(text.replace(/\n$/, '')),
    onComparison: (comparison) => comparisonLines(comparison, style).forEach((line) => show.print(line)),
  });
  const isShown = json || !(quiet || format !== undefined);
  const view = benchView(style, (line) => {
    if (isShown) show.print(line);
  });
  /** Why it could not. */
  const writePage = async (report: BenchReport): Promise<XferError | undefined> => {
    if (reportPath === undefined) return undefined;
    return writeReport(reportPath, report).then(() => undefined, asXferError);
  };
  return {
    ...show,
    onWork: (work, entries, place) => {
      view.onWork(work, entries, place);
      show.onWork(work, entries, place);
    },
    onRow: (row) => {
      view.onRow(row);
      show.onRow(row);
    },
    onSkipped: (skipped) => {
      view.onSkipped(skipped);
      show.onSkipped(skipped);
    },
    onReport: async (report) => {
      const nothing = whyNothing(report);
      // A program reads in the report that nothing is there; what went wrong is an error to it, too.
      if (
        nothing &&
        !hasRows(report) &&
        !((json || format !== undefined) && nothing.exit === exitStatus.noTransport)
      )
        throw nothing;
      // The report is the last line for a program, and the first table for people.
      if (!json) view.onReport(report);
      const failed = errorOf(() => finish(report)) ?? (hasRows(report) ? nothing : undefined);
      // Whatever becomes of the page, what was measured is told, and what failed in it says more.
      const unwritten = await writePage(report);
      const error = failed ?? unwritten;
      if (json) {
        if (error) {
          const { code, message, remedy, exit } = error;
          show.print(printableJson({ event: 'error', code, message, remedy, exit }));
          onTold?.(error);
        }
        view.onReport(report);
      }
      if (error) throw error;
    },
    printPasses: () => {
      const passes = json || quiet ? undefined : show.passes(style);
      if (passes !== undefined) process.stdout.write(`${passes}\n`);
    },
  };
}

function errorOf(work: () => void): XferError | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    return asXferError(thrown);
  }
}
