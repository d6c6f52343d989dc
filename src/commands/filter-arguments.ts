import type { FilterRule } from '../app/options.js';

/** What oclif tells of an argument or a flag, in the order of the command line. */
export interface RawToken {
  readonly type: string;
  readonly flag?: string;
  readonly input: string;
}

/** The rules of `--exclude`, `--include` and `--exclude-from` as they stand on the command line, where order counts. */
export function filterArguments(tokens: readonly RawToken[]): FilterRule[] {
  return tokens.flatMap(({ type, flag, input }) => {
    const kind = type === 'flag' ? kinds.find((name) => name === flag) : undefined;
    return kind === undefined ? [] : [{ kind, value: input }];
  });
}

const kinds = ['exclude', 'include', 'exclude-from'] as const;
