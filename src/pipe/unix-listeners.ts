import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** Linux' list of all Unix sockets of this network namespace, a line each. */
const listOfSockets = '/proc/net/unix';
/** __SO_ACCEPTCON: it listens. */
const isListening = 0x10000;

/**
 * Whether somebody is known to listen on this socket, without connecting to it: whoever takes one connection alone would have
 * had it. False where that is not known: not Linux, another namespace, or a path that was bound from another directory.
 */
export async function isListenedOn(path: string): Promise<boolean> {
  const list = await readFile(listOfSockets, 'utf8').catch(() => '');
  const name = basename(path);
  const bound = list
    .split('\n')
    .flatMap(listeningPath)
    .filter((at) => at.startsWith('/') && basename(at) === name);
  if (bound.length === 0) return false;
  const [own, ...others] = await Promise.all([path, ...bound].map(directoryOf));
  return own !== undefined && others.includes(own);
}

/** `Num RefCount Protocol Flags Type St Inode Path` */
function listeningPath(line: string): string[] {
  const [, flags, path] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +\d+ (.+)$/.exec(line) ?? [];
  return path !== undefined && (parseInt(flags ?? '', 16) & isListening) !== 0 ? [path] : [];
}

const directoryOf = (path: string): Promise<string | undefined> =>
  realpath(dirname(path)).catch(() => undefined);
