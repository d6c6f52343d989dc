import { linkLack } from '../../dist/bench/link/lack.js';

export { openLink } from '../../dist/bench/link/open-link.js';

/** Why links cannot be had for tests, or undefined where they can: those do more in there than a user's may. */
export function linkMissing() {
  if (process.platform === 'linux' && process.getuid() !== 0) return 'an emulated link needs root';
  return linkLack()?.message;
}
