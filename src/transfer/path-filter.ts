import ignore, { type Ignore } from 'ignore';
import { scanDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { printable } from './printable.js';

/** Which paths are not sent. */
export interface PathFilter {
  /**
   * `path` as it arrives: the given path's own name first, components joined by `/`. What is below an excluded
   * directory need not be asked for: it is excluded, too.
   */
  excludes(path: string, isDirectory: boolean): boolean;
}

/** A line of gitignore syntax, and who to name where it is wrong: a flag, or a file and its line. */
export interface FilterLine {
  readonly pattern: string;
  readonly from: string;
}

/**
 * A filter of lines in gitignore's syntax, its empty lines and comments included; the last line that matches decides,
 * and upper and lower case differ. Throws ERR_XFER_USAGE for a pattern that could never match, and for too many.
 */
export function pathFilter(lines: readonly FilterLine[]): PathFilter {
  const patterns: string[] = [];
  for (const line of lines) {
    if (isBlankOrComment(line.pattern)) continue;
    checkPattern(line);
    patterns.push(line.pattern);
  }
  if (patterns.length > scanDefaults.maxFilterPatterns)
    throw new XferError(
      'ERR_XFER_USAGE',
      `${String(patterns.length)} patterns are more than the ${String(scanDefaults.maxFilterPatterns)} that are possible`,
    );
  const rules = matcher().add(patterns);
  let current = rules;
  let asked = 0;
  return {
    excludes: (path, isDirectory) => {
      // The library keeps the answer for each path that it was ever asked for.
      if (asked++ % answersKept === 0) current = matcher().add(rules);
      return current.ignores(isDirectory ? `${path}/` : path);
    },
  };
}

export const isBlankOrComment = (pattern: string) => pattern.startsWith('#') || pattern.trim() === '';

const answersKept = 8192;
const matcher = (): Ignore => ignore({ ignorecase: false });

/** The library leaves out what git never matches; who wrote it should know. */
function checkPattern({ pattern, from }: FilterLine): void {
  const positive = pattern.startsWith('!') ? pattern.slice(1) : pattern;
  if (hasLineEnd.test(pattern) || endsInBackslash(positive) || positive.trim() === '' || !compiles(positive))
    throw new XferError('ERR_XFER_USAGE', `${from}: ${printable(pattern)} is not a pattern`, {
      remedy: 'write patterns as in a .gitignore',
    });
}

const hasLineEnd = /[\r\n\0]/;
const endsInBackslash = (pattern: string) => (/\\+$/.exec(pattern)?.[0].length ?? 0) % 2 === 1;

function compiles(pattern: string): boolean {
  try {
    matcher().add([pattern]).ignores('x');
    return true;
  } catch {
    return false;
  }
}
