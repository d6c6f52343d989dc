import { codeFromWire, XferError, type ErrorCode } from '../errors/index.js';
import { openErrorCode } from '../transport/contract.js';
import { printable } from '../transfer/printable.js';

/** Longest reason that a message has, in UTF-16 units. */
const mostReasonLength = 512;

/** An error as a message has it. */
export interface WireReason {
  readonly wire: number;
  readonly message: string;
}

export function reasonFor(error: XferError): WireReason {
  return { wire: error.row.wire, message: error.message.slice(0, mostReasonLength) };
}

/** The error that the other side has told of. */
export function errorFrom({ wire, message }: WireReason, fallback?: ErrorCode): XferError {
  const code = codeFromWire(wire, fallback);
  // Status 130 means that this side was interrupted, and it was not.
  return code === 'ERR_XFER_INTERRUPTED'
    ? new XferError('ERR_XFER_PEER_INTERRUPTED', 'the other side was interrupted')
    : new XferError(code, `the other side: ${printable(message)}`);
}

const codes: Partial<Record<ErrorCode, number>> = {
  ERR_XFER_NOT_FOUND: openErrorCode.routeNotFound,
  ERR_XFER_UNREACHABLE: openErrorCode.routeNotFound,
  ERR_XFER_TIMEOUT: openErrorCode.timeout,
  ERR_XFER_PERMISSION: openErrorCode.accessDenied,
  ERR_XFER_RELAY_REFUSED: openErrorCode.accessDenied,
  ERR_XFER_UNKNOWN_HOST: openErrorCode.dnsFailure,
  ERR_XFER_LIMIT: openErrorCode.resourceLimit,
};

/** The code of OPEN_ERR that a channel is refused with. */
export const refusalCode = (error: XferError): number => codes[error.code] ?? openErrorCode.refused;

const errors: Readonly<Record<number, ErrorCode>> = {
  [openErrorCode.routeNotFound]: 'ERR_XFER_UNREACHABLE',
  [openErrorCode.timeout]: 'ERR_XFER_TIMEOUT',
  [openErrorCode.dnsFailure]: 'ERR_XFER_UNKNOWN_HOST',
  [openErrorCode.resourceLimit]: 'ERR_XFER_LIMIT',
};

/** Why a channel was refused; `code` speaks where the error's own number is not known here. */
export const refusalFrom = (reason: WireReason & { readonly code: number }): XferError =>
  errorFrom(reason, errors[reason.code]);

export const breach = (what: string): XferError =>
  new XferError('ERR_XFER_PROTOCOL', `the other side breaks the protocol: ${what}`);
