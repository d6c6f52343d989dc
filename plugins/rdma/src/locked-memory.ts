import { readFile } from 'node:fs/promises';

/** What this process may lock, which devices register memory within: `unlimited`, or bytes; undefined where the system does not tell. */
export async function lockedMemory(): Promise<string | undefined> {
  try {
    const limits = await readFile('/proc/self/limits', 'utf8');
    const soft = /^Max locked memory +(\w+)/m.exec(limits)?.[1];
    return soft === undefined || soft === 'unlimited' ? soft : `${soft} bytes`;
  } catch {
    return undefined;
  }
}
