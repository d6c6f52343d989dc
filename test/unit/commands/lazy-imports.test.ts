import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const commands = fileURLToPath(new URL('../../../dist/commands/', import.meta.url));
/** What takes long to load, and is for some uses alone. */
const heavy = ['ink', 'react', 'prom-client', 'pino', 'listr2', 'ws'];

/** Packages that a file of dist/ loads before it does anything, and those of the files that it loads. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const found: string[] = [];
  for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;]*?"([^"]+)";$/gm))
    found.push(...(from.startsWith('.') ? packagesOf(join(dirname(file), from), seen) : [from]));
  return found;
}

const files = readdirSync(commands, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.js'))
  .map((name) => join(commands, name));

it.each(files)('%s starts without what it may never need', (file) => {
  expect(existsSync(file)).toBe(true);
  const packages = packagesOf(file);
  expect(packages.length).toBeGreaterThan(0);
  expect(packages.filter((name) => heavy.includes(name))).toEqual([]);
});
