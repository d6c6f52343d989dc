import { existsSync } from 'node:fs';
import { XferError } from '../errors/index.js';

/**
 * Tells paths from the target: the last argument is the target, unless `--to` names it. Over a relay a single argument
 * is a path, and the target the room of the code. Throws ERR_XFER_USAGE, also for the targets that are not there yet.
 */
export function sendArguments(
  words: readonly string[],
  to: readonly string[],
  isRelayed = false,
  exists: (path: string) => boolean = existsSync,
): { paths: readonly string[]; target: string } {
  if (to.length > 1) throw usage('only one --to is possible yet', 'run xfer send once for each target');
  const named = to[0] ?? (isRelayed && words.length === 1 ? 'room:' : undefined);
  const target = named ?? words.at(-1);
  const paths = named === undefined ? words.slice(0, -1) : words;
  if (target === undefined || paths.length === 0)
    throw usage('send needs at least one path and a target', 'write xfer send PATH... TARGET');
  if (target === '')
    throw usage('the target is empty', 'write a target as [scheme://]host[:port] or local:DIR');
  if (paths.includes('')) throw usage('a path is empty', 'write . for the directory you are in');
  if (target === 'local:') throw usage('local: needs a directory', 'write local:DIR');
  if (target.startsWith('local:')) {
    if (isRelayed) throw usage('no relay is needed for a directory of this machine', 'leave out --via');
    return { paths, target };
  }
  if (isRelayed && named === undefined && exists(target))
    throw usage(
      `${JSON.stringify(target)} is a path here, and would be taken for the target`,
      'write --to room:ROOM, or --to with the target, where all arguments are paths',
    );
  if (target.startsWith('room:') && !isRelayed)
    throw usage('a room is at a relay', 'name the relay by --via');
  if (/^[^/]*@/.test(target))
    throw usage(
      `ssh targets such as ${JSON.stringify(target)} are not there yet`,
      'start xfer recv over there and name it as [scheme://]host[:port]',
    );
  return { paths, target };
}

function usage(message: string, remedy: string): XferError {
  return new XferError('ERR_XFER_USAGE', message, { remedy });
}
