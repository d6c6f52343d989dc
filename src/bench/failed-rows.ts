import { errorTable, exitStatus, type ErrorCode } from '../errors/index.js';
import type { BenchReport, BenchRow } from './report.js';

/** A row of a baseline that was to be measured again, and failed. */
export interface FailedRow {
  readonly row: BenchRow;
  readonly code: string;
  readonly reason: string;
}

/**
 * Which of the rows that a baseline alone has were asked for now and failed. One that a part of this machine is missing for has
 * not failed, nor has one of a work that was not asked for.
 */
export function failedRows(
  missing: readonly BenchRow[],
  { parameters: { works }, skipped }: Pick<BenchReport, 'parameters' | 'skipped'>,
): readonly FailedRow[] {
  return missing.flatMap((row) => {
    const { pattern, bytes, count, contestant, transport } = row;
    if (!works.some((work) => work.pattern === pattern && work.bytes === bytes && work.count === count))
      return [];
    const found = skipped.find(
      ({ name, code }) => (name === contestant || name === transport) && isFailure(code),
    );
    return found ? [{ row, code: found.code, reason: found.reason }] : [];
  });
}

/** False: something is not there. Codes that the table does not have are of that. */
export const isFailure = (code: string): boolean =>
  code in errorTable && errorTable[code as ErrorCode].exit !== exitStatus.noTransport;
