import { errorTable, exitStatus, XferError, type ErrorCode } from '../errors/index.js';
import { isFailure } from './failed-rows.js';
import type { BenchReport, BenchSkipped } from './report.js';

type Measured = Pick<BenchReport, 'rows' | 'skipped' | 'parameters'>;

/**
 * Of a report without a row of xfer's: why, of several reasons one that is about more than that something is not there. Beside
 * rows of others that alone is a reason: what was asked for is not here then, and they are.
 */
export function whyNothing(report: Measured): XferError | undefined {
  const { rows, skipped } = report;
  if (rows.some(({ kind }) => kind === 'xfer')) return undefined;
  if (hasRows(report)) {
    const failed = skipped.find((one) => isFailure(one.code) && isOfXfer(one, report));
    return failed && errorOf(failed);
  }
  const errors = skipped.map(errorOf);
  const told = errors.find(({ exit }) => exit !== exitStatus.noTransport) ?? errors[0];
  return (
    told ?? new XferError('ERR_XFER_NO_TRANSPORT', 'there is nothing here that can do what was asked for')
  );
}

/** Whoever did something, but for the reference, which is not asked for. */
export const hasRows = ({ rows }: Pick<BenchReport, 'rows'>): boolean =>
  rows.some(({ kind }) => kind !== 'reference');

function errorOf({ name, code, reason, remedy }: BenchSkipped): XferError {
  const known = code in errorTable ? (code as ErrorCode) : 'ERR_XFER_NO_TRANSPORT';
  return new XferError(known, `${name}: ${reason}`, { remedy });
}

/** Contestants are called by their transports: `rdma`, `rdma, native`; `auto` is the choice among several. */
const isOfXfer = ({ name }: BenchSkipped, { parameters }: Measured): boolean =>
  name === 'auto' || parameters.transports.some((one) => name === one || name === `${one}, native`);
