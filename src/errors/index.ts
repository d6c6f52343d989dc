export { codeFromWire, errorTable, exitStatus, type ErrorCode, type ErrorRow, type Origin } from './table.js';
export { asXferError, isXferError, XferError } from './xfer-error.js';
export { directoryError, fileError, networkError } from './errno.js';
