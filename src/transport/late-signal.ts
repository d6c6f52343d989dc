/**
 * As `AbortSignal.timeout`, for `AbortSignal.any`: which holds what it joins by weak references alone, so that in Node 20 a
 * timeout that nobody else holds is collected as garbage before its time, and what waits for it waits for ever. A signal
 * that somebody listens to is kept until it has aborted.
 */
export function lateSignal(ms: number): AbortSignal {
  const signal = AbortSignal.timeout(ms);
  signal.addEventListener('abort', () => undefined, { once: true });
  return signal;
}
