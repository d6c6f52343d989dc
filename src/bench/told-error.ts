import { errorTable, XferError, type ErrorCode } from '../errors/index.js';
import { printable } from '../transfer/printable.js';

/** The error that another process told, in whatever words: `message` and `remedy` are of those that say nothing else. */
export function toldError(
  told: { readonly code?: string; readonly message?: string; readonly remedy?: string },
  message = 'it failed',
): XferError {
  const { code, remedy } = told;
  const isKnown = code !== undefined && Object.hasOwn(errorTable, code);
  return new XferError(
    isKnown ? (code as ErrorCode) : 'ERR_XFER_INTERNAL',
    printable(told.message ?? message),
    {
      ...(remedy === undefined ? {} : { remedy: printable(remedy) }),
    },
  );
}
