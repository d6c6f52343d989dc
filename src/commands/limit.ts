import type { RateLimit } from '../app/rate-limit.js';
import type { View } from '../ui/view.js';

/**
 * Lets the limit be changed while something is sent: by `+` and `-` at the terminal, and by SIGUSR2 where it stands in a
 * file.
 */
export async function adjustable(
  limit: RateLimit,
  text: string | undefined,
  view: View,
): Promise<{ start(): void; end(): void }> {
  const { rereadRateLimit } = await import('../app/rate-limit.js');
  const tell = (message: string): void => view.onEvent({ event: 'note', message });
  const reread = (): void => {
    if (text === undefined) return;
    void rereadRateLimit(text, limit).then((error) => tell(error?.message ?? String(limit)));
  };
  if (text?.startsWith('@')) process.on('SIGUSR2', reread);
  const { limitKeys } = await import('../ui/limit-keys.js');
  let leave: (() => void) | undefined;
  return {
    // Not before: a prompt may need the terminal.
    start: () => {
      if (process.stderr.isTTY) leave ??= limitKeys(limit, () => tell(String(limit)));
    },
    end: () => {
      process.off('SIGUSR2', reread);
      leave?.();
    },
  };
}
