import { constants } from 'node:os';

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [-number, name]));

/** libuv has no name for some errnos of file work, EDQUOT among them; the operating system's table has. */
export function withErrnoName(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  const name = error.errno === undefined ? undefined : names.get(error.errno);
  if (name !== undefined && error.code?.startsWith('Unknown system error') === true) error.code = name;
  return error;
}

/** An error as a failed system call of that name gives. */
export function errnoError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}
