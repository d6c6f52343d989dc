import { transferDefaults } from '../config/index.js';
import { codeFromWire, XferError } from '../errors/index.js';
import type { TransferMessage } from './messages.js';
import { printable } from './printable.js';

/** What the other side is told of an error that ends the transfer. */
export function abortMessage(error: XferError): TransferMessage {
  return {
    type: 'abort',
    wire: error.row.wire,
    message: error.message.slice(0, transferDefaults.maxPathBytes),
  };
}

/** The error with which this side ends when it was told of one by `who`. */
export function abortError(
  who: 'sender' | 'receiver',
  message: { wire: number; message: string },
): XferError {
  const code = codeFromWire(message.wire);
  // Status 130 means that this side was interrupted, and it was not.
  return code === 'ERR_XFER_INTERRUPTED'
    ? new XferError('ERR_XFER_PEER_INTERRUPTED', `the ${who} was interrupted`)
    : new XferError(code, `the ${who}: ${printable(message.message)}`);
}
