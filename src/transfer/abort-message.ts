import { transferDefaults } from '../config/index.js';
import type { XferError } from '../errors/index.js';
import type { TransferMessage } from './messages.js';

/** What the other side is told of an error that ends the transfer. */
export function abortMessage(error: XferError): TransferMessage {
  return {
    type: 'abort',
    wire: error.row.wire,
    message: error.message.slice(0, transferDefaults.maxPathBytes),
  };
}
