import { transportDefaults } from '../config/index.js';
import type { DialLimit } from './dial-limit.js';

/**
 * The first outcome of an attempt at one of the targets (RFC 8305 §5): the next attempt starts when the one before failed
 * or has been silent for a while; when one is through the others are aborted. An attempt rejects soon after its signal.
 * Rejects with what `limit.errorOf` makes of the first failure. `discard` gets an outcome that came when all was over.
 */
export function raceTargets<Target, Outcome>(
  targets: readonly Target[],
  limit: DialLimit,
  attempt: (target: Target, signal: AbortSignal) => Promise<Outcome>,
  discard: (outcome: Outcome) => void,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const losers = new AbortController();
    let next = 0;
    let running = 0;
    let isOver = false;
    let timer: NodeJS.Timeout | undefined;
    let firstError: unknown;
    const end = (tell: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      limit.signal.removeEventListener('abort', stopped);
      losers.abort();
      tell();
    };
    const stopped = (): void => end(() => reject(limit.errorOf(undefined)));
    const start = (): void => {
      clearTimeout(timer);
      const target = targets[next++];
      if (target === undefined) {
        if (running === 0) end(() => reject(limit.errorOf(firstError)));
        return;
      }
      running++;
      attempt(target, losers.signal).then(
        (outcome) => (isOver ? discard(outcome) : end(() => resolve(outcome))),
        (error: unknown) => {
          running--;
          firstError ??= error;
          if (!isOver) start();
        },
      );
      timer = setTimeout(start, transportDefaults.happyEyeballsMs);
    };
    limit.signal.addEventListener('abort', stopped, { once: true });
    if (limit.signal.aborted) stopped();
    else start();
  });
}
