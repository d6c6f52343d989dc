import { constants } from 'node:os';

/** What file work can give and Node's table lacks, as in native/errno-name.cc; the numbers are Linux's. */
const supplement = process.platform === 'linux' ? { EUCLEAN: 117, ENOKEY: 126 } : {};
const numbers = new Map<string, number>(Object.entries({ ...supplement, ...constants.errno }));
/** Of several names for one number the first: EAGAIN, not EWOULDBLOCK. */
const names = new Map([...numbers].reverse().map(([name, number]) => [number, name]));

/** libuv has no name for some errnos of file work, EDQUOT among them; the operating system's table has. */
export function withErrnoName(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  const name = error.errno === undefined ? undefined : names.get(-error.errno);
  if (name !== undefined && error.code?.startsWith('Unknown system error') === true) error.code = name;
  return error;
}

/** An error as a failed system call of that name gives. */
export function errnoError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}

/** `ENOSPC` for 28; `E28` for one without a name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `E${String(errno)}`;
}

/** The errno number of what a call of node:fs, or errnoError, gave; anything else is no problem of a file and goes on. */
export function errnoOf(error: unknown): number {
  const { code, errno } = error as NodeJS.ErrnoException;
  const number = numbers.get(code ?? '') ?? (errno === undefined ? undefined : -errno);
  if (number === undefined) throw error;
  return number;
}
