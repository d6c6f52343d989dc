import { closeSync, constants, openSync } from 'node:fs';
import { isatty, ReadStream } from 'node:tty';
import type { Asking } from './ask-line.js';

/**
 * Somebody to ask although stdin carries content, as ssh does: the terminal that the process belongs to, while stderr shows
 * on one. Undefined where there is none.
 */
export function controllingTerminal(
  path = '/dev/tty',
  isShown: boolean = process.stderr.isTTY,
): (Asking & { close(): void }) | undefined {
  if (!isShown) return undefined;
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
    if (isatty(fd)) {
      const input = new ReadStream(fd);
      return { input, output: process.stderr, close: () => void input.destroy() };
    }
    closeSync(fd);
  } catch {
    // Started by a daemon, or on a system without such a file: there is nobody.
  }
  return undefined;
}
