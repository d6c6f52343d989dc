import { printable } from '../transfer/printable.js';

export interface OverwriteAnswer {
  readonly answer: 'always' | 'never' | 'rename';
  readonly forAll: boolean;
}

/**
 * Asks on stderr what to do with a path that exists. Capital letters answer for all that follow; anything else, and the
 * end of the input, leaves the file as it is. Rejects with the signal's reason.
 */
export async function askOverwrite(
  path: string,
  signal: AbortSignal,
  terminal: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream } = {
    input: process.stdin,
    output: process.stderr,
  },
): Promise<OverwriteAnswer> {
  const { createInterface } = await import('node:readline');
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const lines = createInterface({ ...terminal, terminal: true });
    const settle = (word: string): void => {
      signal.removeEventListener('abort', onAbort);
      resolve({ answer: answers.get(word.toLowerCase()) ?? 'never', forAll: /^[YNR]$/.test(word) });
      lines.close();
    };
    const onAbort = (): void => {
      reject(signal.reason as Error);
      lines.close();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    lines.once('close', () => settle(''));
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    lines.question(`${printable(path)} exists: overwrite? [y]es [n]o [r]ename, capital for all: `, (line) =>
      settle(line.trim()),
    );
  });
}

const answers = new Map<string, OverwriteAnswer['answer']>([
  ['y', 'always'],
  ['n', 'never'],
  ['r', 'rename'],
]);
