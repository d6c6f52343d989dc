import type { RateLimit } from '../app/rate-limit.js';
import type { View } from '../ui/view.js';

/**
 * Lets the limit be changed while something is sent: by `+` and `-` at the terminal, and by SIGUSR2 where it stands in a
 * file. Returns what ends that.
 */
export async function adjustable(
  limit: RateLimit,
  text: string | undefined,
  view: View,
): Promise<() => void> {
  const { rereadRateLimit } = await import('../app/rate-limit.js');
  const tell = (message: string): void => view.onEvent({ event: 'note', message });
  const reread = (): void => {
    if (text === undefined) return;
    void rereadRateLimit(text, limit).then((error) => tell(error?.message ?? String(limit)));
  };
  if (text?.startsWith('@')) process.on('SIGUSR2', reread);
  const { limitKeys } = await import('../ui/limit-keys.js');
  const leave = process.stderr.isTTY ? limitKeys(limit, () => tell(String(limit))) : () => undefined;
  return () => {
    process.off('SIGUSR2', reread);
    leave();
  };
}
