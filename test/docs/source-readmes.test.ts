import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const source = new URL('../../src/', import.meta.url);
const folders = readdirSync(source, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Files that a README names, those of other folders and of the addon left out. */
const namedIn = (folder: string): string[] => {
  const text = readFileSync(new URL(`${folder}/README.md`, source), 'utf8');
  return [...text.matchAll(/`([a-z\d-]+(?:\.d)?\.ts)`/g)].map(([, name]) => name ?? '');
};

it.each(folders)('the README of src/%s names no file that is gone', (folder) => {
  for (const name of namedIn(folder))
    expect(existsSync(new URL(`${folder}/${name}`, source)), name).toBe(true);
});

it.each(['app', 'bench', 'native', 'relay', 'session', 'transfer', 'ui'])(
  'the README of src/%s names every file',
  (folder) => {
    const files = readdirSync(new URL(`${folder}/`, source)).filter((name) => name.endsWith('.ts'));
    expect(namedIn(folder)).toEqual(expect.arrayContaining(files));
  },
);
