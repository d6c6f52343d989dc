import { errorTable, type ErrorCode, type ErrorRow } from './table.js';

/** An error that a user or a peer may see. `message` says what happened, `remedy` what to do next. */
export class XferError extends Error {
  override readonly name = 'XferError';
  readonly code: ErrorCode;
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; remedy?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy ?? errorTable[code].remedy;
  }

  get row(): ErrorRow {
    return errorTable[this.code];
  }

  get exit(): number {
    return this.row.exit;
  }
}

/** Several copies of xfer may be loaded, so the code decides and not the class. */
export function isXferError(value: unknown): value is XferError {
  return (
    value instanceof Error && 'code' in value && typeof value.code === 'string' && value.code in errorTable
  );
}

/** Any thrown value as an `XferError`; what is not one already is a defect of ours (exit 1). */
export function asXferError(value: unknown): XferError {
  if (isXferError(value)) return value;
  const message = value instanceof Error ? value.message : String(value);
  return new XferError('ERR_XFER_INTERNAL', message, { cause: value });
}
