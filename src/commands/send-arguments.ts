import { existsSync } from 'node:fs';
import { XferError } from '../errors/index.js';

/**
 * Tells paths from targets: the last argument is the target, unless `--to` names it, or several. Over a relay a single
 * argument is a path, and the target the room of the code. Throws ERR_XFER_USAGE, also for the targets that are not there
 * yet.
 */
export function sendArguments(
  words: readonly string[],
  to: readonly string[],
  isRelayed = false,
  exists: (path: string) => boolean = existsSync,
): { paths: readonly string[]; targets: readonly string[] } {
  const named = to.length === 0 && isRelayed && words.length === 1 ? ['room:'] : to;
  const targets = named.length > 0 ? named : words.slice(-1);
  const paths = named.length > 0 ? words : words.slice(0, -1);
  const [first] = targets;
  if (first === undefined || paths.length === 0)
    throw usage('send needs at least one path and a target', 'write xfer send PATH... TARGET');
  if (paths.includes('')) throw usage('a path is empty', 'write . for the directory you are in');
  for (const target of targets) checkTarget(target, isRelayed);
  if (isRelayed && named.length === 0 && exists(first))
    throw usage(
      `${JSON.stringify(first)} is a path here, and would be taken for the target`,
      'write --to room:ROOM, or --to with the target, where all arguments are paths',
    );
  return { paths, targets };
}

/** What names one peer cannot stand for several. Throws ERR_XFER_USAGE. */
export function checkShared({ peer, as }: { peer: string | undefined; as: string | undefined }): void {
  const flag = peer !== undefined ? '--peer' : as !== undefined ? '--as' : undefined;
  if (flag) throw usage(`${flag} is for one target, and there are several`, `leave out ${flag}`);
}

function checkTarget(target: string, isRelayed: boolean): void {
  if (target === '')
    throw usage('the target is empty', 'write a target as [scheme://]host[:port] or local:DIR');
  if (target === 'local:') throw usage('local: needs a directory', 'write local:DIR');
  if (target.startsWith('local:')) {
    if (isRelayed) throw usage('no relay is needed for a directory of this machine', 'leave out --via');
    return;
  }
  if (target.startsWith('room:') && !isRelayed)
    throw usage('a room is at a relay', 'name the relay by --via');
  if (/^[^/]*@/.test(target))
    throw usage(
      `ssh targets such as ${JSON.stringify(target)} are not there yet`,
      'start xfer recv over there and name it as [scheme://]host[:port]',
    );
}

function usage(message: string, remedy: string): XferError {
  return new XferError('ERR_XFER_USAGE', message, { remedy });
}
