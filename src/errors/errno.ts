import type { ErrorCode } from './table.js';
import { XferError } from './xfer-error.js';

const fileErrno: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'ERR_XFER_NOT_FOUND',
  EACCES: 'ERR_XFER_PERMISSION',
  EPERM: 'ERR_XFER_PERMISSION',
  EROFS: 'ERR_XFER_PERMISSION',
  ENOSPC: 'ERR_XFER_NO_SPACE',
  EDQUOT: 'ERR_XFER_NO_SPACE',
  EFBIG: 'ERR_XFER_NO_SPACE',
  EISDIR: 'ERR_XFER_IS_DIRECTORY',
  ENOTDIR: 'ERR_XFER_NOT_DIRECTORY',
  ENOTEMPTY: 'ERR_XFER_EXISTS',
  EEXIST: 'ERR_XFER_EXISTS',
  EMFILE: 'ERR_XFER_TOO_MANY_OPEN',
  ENFILE: 'ERR_XFER_TOO_MANY_OPEN',
};

const networkErrno: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'ERR_XFER_UNKNOWN_HOST',
  EAI_AGAIN: 'ERR_XFER_UNKNOWN_HOST',
  EAI_NONAME: 'ERR_XFER_UNKNOWN_HOST',
  ECONNREFUSED: 'ERR_XFER_CONNECTION_REFUSED',
  EHOSTUNREACH: 'ERR_XFER_UNREACHABLE',
  ENETUNREACH: 'ERR_XFER_UNREACHABLE',
  EADDRNOTAVAIL: 'ERR_XFER_UNREACHABLE',
  EACCES: 'ERR_XFER_PERMISSION',
  ETIMEDOUT: 'ERR_XFER_TIMEOUT',
  ECONNRESET: 'ERR_XFER_CONNECTION_LOST',
  EPIPE: 'ERR_XFER_CONNECTION_LOST',
  ECONNABORTED: 'ERR_XFER_CONNECTION_LOST',
  EADDRINUSE: 'ERR_XFER_ADDRESS_IN_USE',
};

const errnoOf = (cause: unknown): string => {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : '';
};

/** A failed file operation as a row of the table: `what` names the operation and the path, already sanitised. */
export function fileError(cause: unknown, what: string): XferError {
  const errno = errnoOf(cause);
  return new XferError(fileErrno[errno] ?? 'ERR_XFER_LOCAL_IO', `${what}: ${reason(errno, cause)}`, {
    cause,
  });
}

/** A directory that could not be made, as `fileError`: mkdir's EEXIST means that something else stands there. */
export function directoryError(cause: unknown, what: string): XferError {
  if (errnoOf(cause) !== 'EEXIST') return fileError(cause, what);
  return new XferError('ERR_XFER_NOT_DIRECTORY', `${what}: ${words['ENOTDIR']}`, { cause });
}

/** A failed network operation as a row of the table. */
export function networkError(cause: unknown, what: string): XferError {
  const errno = errnoOf(cause);
  return new XferError(
    networkErrno[errno] ?? 'ERR_XFER_CONNECTION_LOST',
    `${what}: ${reason(errno, cause)}`,
    { cause },
  );
}

const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EEXIST: 'exists already',
  ENOTEMPTY: 'directory not empty',
  EMFILE: 'too many open files',
  ELOOP: 'a symbolic link stands in the way',
  EXDEV: 'the path leaves the directory',
  EIO: 'input/output error',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'timed out',
  ECONNRESET: 'connection reset by the other side',
  EPIPE: 'connection closed by the other side',
  EADDRINUSE: 'address already in use',
};

function reason(errno: string, cause: unknown): string {
  return words[errno] ?? (errno === '' ? (cause instanceof Error ? cause.message : String(cause)) : errno);
}
