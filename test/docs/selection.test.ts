import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');

/** All words in the code that say what is decided about a way. */
async function decided(): Promise<string[]> {
  const what =
    /readonly what: ((?:'\w+'(?: \| )?)+);/.exec(await read('src/transport/selection.ts'))?.[1] ?? '';
  const names = (await readdir(new URL('src/app/', root))).filter((name) => name.startsWith('ways-'));
  const ways = (await Promise.all(names.map((name) => read(`src/app/${name}`)))).join('');
  const told = ways.matchAll(/(?:decision: |#tell\(\s*)'(\w+)'/g);
  return [...new Set([...what.matchAll(/\w+/g), ...told].map((match) => match[1] ?? match[0]))].sort();
}

it('the page lists each decision that --explain may tell, and no other', async () => {
  const [, section = ''] = (await read('docs/selection.md')).split('## What `--explain` tells');
  const listed = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name = '']) => name).sort();
  expect(listed).toEqual(await decided());
  expect(listed).toHaveLength(13);
});

it('the page names each number that a decision may stand on', async () => {
  const [, section = ''] = (await read('docs/selection.md')).split('## What `--explain` tells');
  const code = (
    await Promise.all(['selection-core', 'trial-core'].map((name) => read(`src/transport/${name}.ts`)))
  ).join('');
  const numbers = new Set([...code.matchAll(/\b(\w+BytesPerSecond|costMs|againMs|silentMs|measuredMs)\b/g)]);
  for (const [, name = ''] of numbers) expect(section).toContain(`\`${name}\``);
});
