/** Asks on stderr whether the receiver may delete. Anything but yes is no; rejects with the signal's reason. */
export async function askDelete(
  signal: AbortSignal,
  terminal: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream } = {
    input: process.stdin,
    output: process.stderr,
  },
): Promise<boolean> {
  const { createInterface } = await import('node:readline');
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const lines = createInterface({ ...terminal, terminal: true });
    const settle = (line: string): void => {
      signal.removeEventListener('abort', onAbort);
      resolve(/^y(es)?$/i.test(line.trim()));
      lines.close();
    };
    const onAbort = (): void => {
      reject(signal.reason as Error);
      lines.close();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    lines.once('close', () => settle(''));
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    lines.question('the receiver will delete what is not here: go on? [y/N] ', settle);
  });
}
