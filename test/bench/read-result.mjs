import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** A result of either kind: `xfer bench --json` (version 2), or `run.mjs --json`. Throws an Error that names the file. */
export function readResult(path) {
  let result;
  try {
    result = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path} is no JSON: ${error.message}`);
  }
  const isBench = result?.schema === 'xfer-bench';
  if (isBench && result.version !== 2) throw new Error(`${path} has version ${result.version}, not 2`);
  if (!Array.isArray(result?.rows)) throw new Error(`${path} has no rows`);
  return { ...result, name: basename(path, '.json'), isBench };
}

/** What its numbers are worth nothing without, and how to have them again. */
export const caption = ({ name, machine, kernel, node, commit, load, date }) =>
  `${[machine, kernel, `Node ${node}`, `commit ${commit ?? 'unknown'}`, date, ...(load ? [load] : [])].join(' · ')}; \`npm run results -- ${name}\``;

/** A cell of a table in Markdown. */
export const cell = (text) =>
  String(text).replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');

export const markdownTable = (head, lines) =>
  [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Of `run.mjs`: the row of this name whose part begins so. Throws an Error where there is none. */
export function rowOf(result, name, part = '') {
  const found = result.rows.find((row) => row.name === name && (row.part ?? '').startsWith(part));
  if (!found) throw new Error(`docs/results/${result.name}.json has no row ${name} ${part}`);
  return found;
}
