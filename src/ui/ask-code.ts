/** Whether there is somebody at a terminal to be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks for the code on stderr. It is shown while it is typed: it is good for one transfer, and words are hard to
 * type blind. Undefined where nothing was answered; rejects with the signal's reason.
 */
export async function askCode(
  signal: AbortSignal,
  terminal: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream } = {
    input: process.stdin,
    output: process.stderr,
  },
): Promise<string | undefined> {
  const { createInterface } = await import('node:readline');
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const lines = createInterface({ ...terminal, terminal: true });
    const settle = (answer?: string): void => {
      signal.removeEventListener('abort', onAbort);
      const code = answer?.trim();
      // Before `close`, which settles too.
      resolve(code === '' ? undefined : code);
      lines.close();
    };
    const onAbort = (): void => {
      reject(signal.reason as Error);
      lines.close();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    lines.once('close', () => settle());
    // The terminal is in raw mode while readline reads: Ctrl-C comes here and not as a signal.
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    lines.question('code of the receiver: ', settle);
  });
}
