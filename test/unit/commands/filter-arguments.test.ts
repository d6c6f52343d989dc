import { Parser } from '@oclif/core';
import { describe, expect, it } from 'vitest';
import { filterArguments } from '../../../src/commands/filter-arguments.js';
import Send from '../../../src/commands/send.js';

const parsed = async (...argv: string[]) => {
  const { raw } = await Parser.parse(argv, { flags: Send.flags, args: Send.args, strict: false });
  return filterArguments(raw).map(({ kind, value }) => `${kind} ${value}`);
};

describe('the patterns of send', () => {
  it('count in the order of the command line', async () => {
    const line = ['a', '--include', '1', '--exclude=2', 'b', '--exclude-from', '-', '--include', '3', 'h'];
    expect(await parsed(...line)).toEqual(['include 1', 'exclude 2', 'exclude-from -', 'include 3']);
  });

  it('are not the values of other flags, nor paths', async () => {
    expect(await parsed('exclude', '--to', 'include', '--peer', 'exclude', '-x')).toEqual([]);
    expect(await parsed('--', '--exclude', 'a')).toEqual([]);
  });

  it('take one value a flag', async () => {
    expect(await parsed('--exclude', 'a', 'b', 'h')).toEqual(['exclude a']);
  });

  it('may be empty, which is told later', async () => {
    expect(await parsed('a', 'h', '--exclude', '', '--include=')).toEqual(['exclude ', 'include ']);
  });
});
