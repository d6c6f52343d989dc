/** What the promise settles with, or the signal's reason as soon as there is one. */
export async function unlessAborted<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  let interrupt: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    interrupt = () => reject(signal.reason as Error);
  });
  signal.addEventListener('abort', interrupt, { once: true });
  if (signal.aborted) interrupt();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}
