import { expect, it } from 'vitest';
import { errnoError, withErrnoName } from '../../../src/native/errno-name.js';
import { nodeTime } from '../../../src/native/file-calls.js';
import { componentsOf, requireName } from '../../../src/native/names.js';

it.each(['a', '...', '.a', 'a b', '\u00fc', '-'])('%j is a name', (name) => {
  expect(() => requireName(name)).not.toThrow();
});

it.each(['', '.', '..', 'a/b', '/', 'a\0'])('%j is none', (name) => {
  expect(() => requireName(name)).toThrow('EINVAL');
});

it('a path is its components', () => {
  expect(componentsOf('a/b/c')).toEqual(['a', 'b', 'c']);
});

it.each([
  ['', 'EINVAL'],
  ['a//b', 'EINVAL'],
  ['a/', 'EINVAL'],
  ['./a', 'EINVAL'],
  ['a\0b', 'EINVAL'],
  ['/a', 'EXDEV'],
  ['a/..', 'EXDEV'],
  ['../a', 'EXDEV'],
])('the path %j is %s', (path, code) => {
  expect(() => componentsOf(path)).toThrow(code);
});

it('times are rounded down to the microsecond, before 1970 too', () => {
  const microseconds = (ns: bigint): number => Math.trunc(Number(nodeTime(ns)) * 1e6);
  expect(microseconds(1_999n)).toBe(1);
  expect(microseconds(1_700_000_000_123_456_999n)).toBe(1_700_000_000_123_456);
  expect(microseconds(-1n)).toBe(-1);
  expect(microseconds(-1_000n)).toBe(-1);
  expect(microseconds(-1_001n)).toBe(-2);
});

it('errnos that libuv does not name get the name of the system', () => {
  const unnamed = Object.assign(new Error('x'), { code: 'Unknown system error -122', errno: -122 });
  expect(withErrnoName(unnamed).code).toBe(process.platform === 'linux' ? 'EDQUOT' : unnamed.code);
  expect(withErrnoName(errnoError('ENOSPC', 'write')).code).toBe('ENOSPC');
});
