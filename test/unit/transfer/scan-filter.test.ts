import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkGiven } from '../../../src/transfer/given-paths.js';
import { failure } from './rogue-kit.js';
import { filterOf, scanned, tellingReader } from './scan-kit.js';
import { temporaryDirectory } from './transfer-kit.js';

const hasGit = spawnSync('git', ['--version']).status === 0;
const names = ['a', 'b', 'ab'];
let top: string;
/** Every path of the tree, `/` behind directories, parents first. */
const tree: string[] = ['t/'];

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'xfer-unit-'));
  await mkdir(join(top, 't'));
  const below = ['t/'];
  for (let directory = below.shift(); directory; directory = below.shift()) {
    for (const name of names) {
      // Files and directories of the same names, at different places.
      const isDirectory = directory.split('/').length < 4 && (name !== 'b' || directory === 't/');
      const path = `${directory}${name}${isDirectory ? '/' : ''}`;
      tree.push(path);
      if (isDirectory) below.push(path);
      await (isDirectory ? mkdir(join(top, path)) : writeFile(join(top, path), ''));
    }
  }
});
afterAll(() => rm(top, { recursive: true }));

const segment = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '?', '**', 't', '*b');
const pattern = fc
  .tuple(
    fc.boolean(),
    fc.boolean(),
    fc.array(segment, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '', '/'),
  )
  .map(
    ([again, anchored, segments, end]) =>
      `${again ? '!' : ''}${anchored ? '/' : ''}${segments.join('/')}${end}`,
  );
const patterns = fc.array(pattern, { maxLength: 5 });

describe('what is sent', () => {
  it('is exactly what the patterns leave', async () => {
    await fc.assert(
      fc.asyncProperty(patterns, async (lines) => {
        const { entries, excluded, problems } = await scanned([join(top, 't')], {
          filter: filterOf(...lines),
        });
        expect(entries.map(({ path, kind }) => (kind === 1 ? `${path}/` : path)).sort()).toEqual(
          tree.filter((path) => isLeft(lines, path)).sort(),
        );
        expect(problems).toEqual([]);
        expect(excluded.length).toBe(
          tree.filter((path) => !isLeft(lines, path) && parents(path).every((p) => isLeft(lines, p))).length,
        );
      }),
      { numRuns: 200 },
    );
  });

  it.skipIf(!hasGit)('is what git would add (needs git)', async () => {
    execFileSync('git', ['init', '--quiet'], { cwd: top });
    await fc.assert(
      fc.asyncProperty(patterns, async (lines) => {
        await writeFile(join(top, '.gitignore'), lines.map((line) => `${line}\n`).join(''));
        const args = ['ls-files', '--others', '--exclude-per-directory=.gitignore', 't'];
        const known = execFileSync('git', args, { cwd: top, encoding: 'utf8' });
        const { entries } = await scanned([join(top, 't')], { filter: filterOf(...lines) });
        const files = entries.filter(({ kind }) => kind === 0).map(({ path }) => path);
        expect(files.sort()).toEqual(known.split('\n').filter(Boolean).sort());
      }),
      { numRuns: 60 },
    );
  });

  it('is looked for in no directory that is excluded', async () => {
    const read: string[] = [];
    const reader = tellingReader((path) => void read.push(path.slice(top.length)));
    const { paths, excluded } = await scanned([join(top, 't')], { filter: filterOf('a/', 'ab'), reader });
    expect(read).toEqual(['/t', '/t/b']);
    expect(paths).toEqual(['t', 't/b', 't/b/b']);
    expect(excluded).toEqual(['t/a', 't/ab', 't/b/a', 't/b/ab']);
  });

  it('leaves out a given path that is excluded, of whatever kind', async () => {
    const directory = await temporaryDirectory();
    execFileSync('mkfifo', [join(directory, 'fifo')]);
    const given = [join(directory, 'fifo'), join(top, 't', 'b')];
    const { paths, excluded } = await scanned(given, { filter: filterOf('fifo', 'a', 'ab') });
    expect(paths).toEqual(['b', 'b/b']);
    expect(excluded).toEqual(['fifo', 'b/a', 'b/ab']);
    await expect(checkGiven(given, filterOf('fifo'))).resolves.toBeUndefined();
  });
});

describe('given paths', () => {
  it('are refused where all of them are excluded', async () => {
    const given = [join(top, 't', 'a'), join(top, 't', 'b')];
    await expect(checkGiven(given, filterOf('*'))).rejects.toEqual(failure('ERR_XFER_USAGE'));
    await expect(checkGiven(given, filterOf('*', '!b/'))).resolves.toBeUndefined();
  });

  it('may share a name with an excluded one, and it is excluded with them', async () => {
    const given = [join(top, 't', 'a', 'a'), join(top, 't', 'a')];
    await expect(checkGiven(given, filterOf('b'))).rejects.toEqual(failure('ERR_XFER_USAGE'));
    await expect(checkGiven([...given, join(top, 't', 'b')], filterOf('a/'))).resolves.toBeUndefined();
  });
});

/** The rules of gitignore(5), for patterns of whole segments, `*` and `?`. */
function isLeft(lines: readonly string[], path: string): boolean {
  return [...parents(path), path].every((one) => {
    const last = lines.findLast((line) => matches(line.replace(/^!/, ''), one));
    return last === undefined || last.startsWith('!');
  });
}

function matches(line: string, path: string): boolean {
  if (line.endsWith('/') && !path.endsWith('/')) return false;
  const bare = line.replace(/\/$/, '');
  const segments = bare.replace(/^\//, '').split('/');
  return fits(bare.includes('/') ? segments : ['**', ...segments], path.replace(/\/$/, '').split('/'));
}

function fits([first, ...rest]: readonly string[], path: readonly string[]): boolean {
  if (first === undefined) return path.length === 0;
  if (first !== '**') return path[0] !== undefined && fitsOne(first, path[0]) && fits(rest, path.slice(1));
  if (rest.length === 0) return path.length > 0;
  return path.some((_, skipped) => fits(rest, path.slice(skipped)));
}

const fitsOne = (segment: string, name: string) =>
  new RegExp(`^${segment.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name);

const parents = (path: string): string[] =>
  [...path.replace(/\/$/, '').matchAll(/\//g)].map(({ index }) => path.slice(0, index + 1));
