import { describe, expect, it } from 'vitest';
import { scanDefaults } from '../../../src/config/index.js';
import { failure } from './rogue-kit.js';
import { filterOf } from './scan-kit.js';

describe('a filter', () => {
  it.each([
    ['*.log', 'd/a.log', false],
    ['/d/a', 'd/a', false],
    ['a', 'd/a', false],
    ['d/*', 'd/a', false],
    ['raw/', 'd/raw', true],
    ['d/**/x', 'd/a/b/x', false],
    ['\\#a', 'd/#a', false],
    ['\\!a', 'd/!a', false],
    ['d', 'd/a/b', false],
    ['[ab]', 'd/b', false],
  ])('with %s excludes %s', (pattern, path, isDirectory) => {
    expect(filterOf(pattern).excludes(path, isDirectory)).toBe(true);
  });

  it.each([
    ['*.log', 'd/a.txt', false],
    ['*.LOG', 'd/a.log', false],
    ['/a', 'd/a', false],
    ['raw/', 'd/raw', false],
    ['# a', 'd/# a', false],
    ['', 'd/a', false],
    ['d/*', 'd', true],
  ])('with %s lets %s through', (pattern, path, isDirectory) => {
    expect(filterOf(pattern).excludes(path, isDirectory)).toBe(false);
  });

  it('lets the last pattern that matches decide', () => {
    expect(filterOf('*.log', '!keep.log').excludes('d/keep.log', false)).toBe(false);
    expect(filterOf('!keep.log', '*.log').excludes('d/keep.log', false)).toBe(true);
  });

  it('lets nothing back in below an excluded directory', () => {
    expect(filterOf('raw/', '!raw/keep').excludes('d/raw/keep', false)).toBe(true);
  });

  it('gives the same answers however many it was asked for', () => {
    const filter = filterOf('*5', '!/d/*15');
    const wrong = Array.from({ length: 30_000 }, (_, n) => n).filter(
      (n) => filter.excludes(`d/${n}`, false) !== (n % 10 === 5 && n % 100 !== 15),
    );
    expect(wrong).toEqual([]);
  });

  it.each(['a\\', 'a\nb', 'a\0', '!', '! '])('refuses %j', (pattern) => {
    expect(() => filterOf(pattern)).toThrow(failure('ERR_XFER_USAGE'));
  });

  it('has so many patterns at most', () => {
    const most = scanDefaults.maxFilterPatterns;
    const patterns = Array.from({ length: most }, (_, n) => `x${n}`);
    expect(filterOf(...patterns).excludes(`x${most - 1}`, false)).toBe(true);
    expect(() => filterOf(...patterns, 'y')).toThrow(failure('ERR_XFER_USAGE'));
  });
});
