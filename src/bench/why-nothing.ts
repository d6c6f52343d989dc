import { errorTable, exitStatus, XferError, type ErrorCode } from '../errors/index.js';
import type { BenchReport } from './report.js';

/** Of a report without rows: why, of several reasons one that is about more than that something is not there. */
export function whyNothing({ rows, skipped }: BenchReport): XferError | undefined {
  if (rows.some(({ kind }) => kind !== 'reference')) return undefined;
  const errors = skipped.map(({ name, code, reason, remedy }) => {
    const known = code in errorTable ? (code as ErrorCode) : 'ERR_XFER_NO_TRANSPORT';
    return new XferError(known, `${name}: ${reason}`, { remedy });
  });
  const told = errors.find(({ exit }) => exit !== exitStatus.noTransport) ?? errors[0];
  return (
    told ?? new XferError('ERR_XFER_NO_TRANSPORT', 'there is nothing here that can do what was asked for')
  );
}
