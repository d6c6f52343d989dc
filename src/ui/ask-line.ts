/** Where a question is asked; stdin and stderr unless it says otherwise. */
export interface Asking {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** One line as an answer, without the white space around it; empty at the end of the input. Rejects with the signal's reason. */
export async function askLine(
  question: string,
  signal: AbortSignal,
  terminal: Asking = { input: process.stdin, output: process.stderr },
): Promise<string> {
  const { createInterface } = await import('node:readline');
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const lines = createInterface({ ...terminal, terminal: true });
    const settle = (line: string): void => {
      signal.removeEventListener('abort', onAbort);
      resolve(line.trim());
      lines.close();
    };
    const onAbort = (): void => {
      reject(signal.reason as Error);
      lines.close();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    lines.once('close', () => settle(''));
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    lines.question(question, settle);
  });
}
