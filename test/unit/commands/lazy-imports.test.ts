import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const commands = fileURLToPath(new URL('../../../src/commands/', import.meta.url));
/** What takes long to load, and is for some uses alone. */
const heavy = ['ink', 'react', 'prom-client', 'pino', 'listr2', 'ws'];

/** Packages that a source loads before it does anything, and those of the sources that it loads; types are not loaded. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const found: string[] = [];
  const imports = /^(?:import|export)\b(?! type\b)[^;]*?'([^']+)';$/gm;
  for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(imports))
    found.push(...(from.startsWith('.') ? packagesOf(sourceOf(join(dirname(file), from)), seen) : [from]));
  return found;
}

function sourceOf(path: string): string {
  const source = path.replace(/js$/, 'ts');
  return existsSync(source) ? source : `${source}x`;
}

const files = readdirSync(commands, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(commands, name))
  .filter((file) => readFileSync(file, 'utf8').includes('export default class'));

it('looks at all commands', () => expect(files.length).toBeGreaterThan(8));

it.each(files)('%s starts without what it may never need', (file) => {
  const packages = packagesOf(file);
  expect(packages).toContain('@oclif/core');
  expect(packages.filter((name) => heavy.includes(name))).toEqual([]);
});
