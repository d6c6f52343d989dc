import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { commitOf } from '../../../src/bench/commit-of.js';

const clone = mkdtempSync(join(tmpdir(), 'xfer-commit-'));
afterAll(() => rmSync(clone, { recursive: true }));
const git = (...words: string[]): string => {
  const who = ['-c', 'user.name=A', '-c', 'user.email=a@b.invalid', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...who, ...words], { cwd: clone, encoding: 'utf8' }).trim();
};

it('a commit is marked where what is built is not what it has', async () => {
  expect(await commitOf(clone)).toBeNull();
  git('init', '--quiet');
  for (const name of ['docs', 'src']) mkdirSync(join(clone, name));
  writeFileSync(join(clone, 'docs', 'results.json'), '{}');
  writeFileSync(join(clone, 'src', 'a.ts'), '1');
  git('add', '.');
  git('commit', '--quiet', '--message', 'first');
  const commit = git('rev-parse', 'HEAD');
  expect(await commitOf(clone)).toBe(commit);
  // What was measured is written there, and is part of no program.
  writeFileSync(join(clone, 'docs', 'results.json'), '[]');
  writeFileSync(join(clone, 'report.json'), '{}');
  expect(await commitOf(clone)).toBe(commit);
  writeFileSync(join(clone, 'src', 'a.ts'), '2');
  expect(await commitOf(clone)).toBe(`${commit}-dirty`);
  git('checkout', '--quiet', 'src/a.ts');
  writeFileSync(join(clone, 'src', 'b.ts'), 'new');
  expect(await commitOf(clone)).toBe(`${commit}-dirty`);
  // In somebody else's.
  expect(await commitOf(join(clone, 'docs'))).toBeNull();
});
