import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The directory that holds the identity and the known peers: `XFER_HOME`, else `$XDG_CONFIG_HOME/xfer`,
 * else `~/.config/xfer` (XDG Base Directory Specification).
 */
export function homeDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env['XFER_HOME']) return env['XFER_HOME'];
  const base = env['XDG_CONFIG_HOME'];
  return join(base?.startsWith('/') ? base : join(homedir(), '.config'), 'xfer');
}
