import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { readResult } from './read-result.mjs';
import { tables } from './table-list.mjs';

/**
 * Puts the tables of the documentation between their markers, `<!-- results: NAME -->` and `<!-- end -->`, from the results
 * that are committed in `docs/results`. `--check` writes nothing, and fails where something would change.
 *
 * A block that begins with `<!-- by hand` has numbers of before there were results. It stays until all results of its table
 * are there.
 */
const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, root: { type: 'string' } },
});
const root = values.root ?? fileURLToPath(new URL('../../', import.meta.url));
const pages = ['README.md', 'docs/benchmarks.md', 'docs/rdma.md'];
const block = /(<!-- results: ([\w-]+) -->\n)([^]*?)(<!-- end -->)/g;

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`tables: ${error.message}`);
  process.exitCode = 2;
}

async function main() {
  const found = readResults(join(root, 'docs/results'));
  const style = await resolveConfig(fileURLToPath(import.meta.url));
  let isStale = false;
  for (const page of pages.filter((name) => existsSync(join(root, name)))) {
    const before = readFileSync(join(root, page), 'utf8');
    const pieces = [];
    let end = 0;
    for (const { index, 0: whole, 1: opening, 2: name, 3: content, 4: closing } of before.matchAll(block)) {
      const text = await blockText(name, content, found, style);
      pieces.push(before.slice(end, index), opening, text, closing);
      end = index + whole.length;
      if (text === content) continue;
      isStale = true;
      console.log(`${page}: ${name} ${values.check ? 'is stale: node test/bench/tables.mjs' : 'written'}`);
    }
    if (!values.check) writeFileSync(join(root, page), pieces.join('') + before.slice(end));
  }
  return values.check && isStale ? 1 : 0;
}

async function blockText(name, content, found, style) {
  const table = tables[name];
  if (!table) throw new Error(`there is no table ${name}, only ${Object.keys(tables).join(', ')}`);
  const missing = table.needs.filter((result) => !found[result]);
  if (missing.length === 0) return formatted(table.markdown(found), style);
  if (content.trimStart().startsWith('<!-- by hand')) return content;
  const commands = missing.map((result) => `\`npm run results -- ${result}\``).join(', ');
  return formatted(`Not measured yet: ${commands}.`, style);
}

/** As prettier leaves it: lint and this agree. */
async function formatted(markdown, style) {
  return `\n${await format(markdown, { ...style, parser: 'markdown' })}\n`;
}

function readResults(directory) {
  if (!existsSync(directory)) return {};
  const files = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(
    files.map((name) => [basename(name, '.json'), readResult(join(directory, name))]),
  );
}
