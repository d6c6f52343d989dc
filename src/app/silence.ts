import { sessionDefaults } from '../config/index.js';
import type { XferError } from '../errors/index.js';
import type { Connection } from '../transport/contract.js';
import type { CommonOptions } from './options.js';

const { leastSilenceMs, mostSilenceMs, retryMs } = sessionDefaults;

/** How long the other side may say nothing, in milliseconds: a network that hangs is given the time of `--retry`. */
export function silenceOf(options: Pick<CommonOptions, 'retryMs'>): number {
  return Math.min(mostSilenceMs, Math.max(leastSilenceMs, options.retryMs ?? retryMs));
}

/** Where the other side is gone there is nobody to close the connection with in order. Returns the error. */
export function leaveAtOnce(connection: Connection, error: XferError): XferError {
  if (error.code === 'ERR_XFER_CONNECTION_LOST') connection.abort(error);
  return error;
}
