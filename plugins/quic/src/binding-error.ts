import { isXferError, networkError, XferError } from 'xfer/plugin';
import { getSystemErrorMap } from 'node:util';

/** What the binding threw, which has no codes, as a row of the table; `what` is the operation or the other side. */
export function bindingError(thrown: unknown, what: string): XferError {
  if (isXferError(thrown)) return thrown;
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  if (said.includes('supported version'))
    return new XferError('ERR_XFER_VERSION', `${what}: ${said}`, { cause: thrown });
  const code = codeOf(said);
  return networkError(code ? Object.assign(new Error(said, { cause: thrown }), { code }) : thrown, what);
}

/** An errno name, of what the system said, or quinn in place of it. */
function codeOf(said: string): string | undefined {
  const [, number] = /\(os error (\d+)\)/.exec(said) ?? [];
  if (number) return winsock[number] ?? getSystemErrorMap().get(-Number(number))?.[0];
  if (said.endsWith('timed out')) return 'ETIMEDOUT';
  return /^(closed|reset|aborted) by peer/.test(said) ? 'ECONNRESET' : undefined;
}

/** Windows' own numbers, which libuv renumbers. */
const winsock: Readonly<Record<string, string>> = {
  10013: 'EACCES',
  10048: 'EADDRINUSE',
  10049: 'EADDRNOTAVAIL',
};
