import { asXferError, XferError } from '../errors/index.js';

/** What was thrown, as the error that is reported: a command line that does not parse is a wrong use of xfer. */
export function asReported(error: unknown): XferError {
  if (!isUsage(error)) return asXferError(error);
  const lines = error.message.split('\n').map((line) => line.trim());
  const told = lines.filter((line) => line !== '' && line !== 'See more help with --help');
  return new XferError('ERR_XFER_USAGE', told.join(' '), { cause: error });
}

/** oclif's errors of parsing, known by their shape as several copies of it may be loaded. */
function isUsage(error: unknown): error is Error {
  if (!(error instanceof Error) || !('oclif' in error)) return false;
  const { oclif } = error;
  return typeof oclif === 'object' && oclif !== null && 'exit' in oclif && oclif.exit === 2;
}
