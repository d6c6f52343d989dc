import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { results } from './result-list.mjs';

/** Measures results that are committed, and makes the tables of the documentation again. Without a name: which there are. */
const root = fileURLToPath(new URL('../../', import.meta.url));
const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in results));
if (unknown !== undefined) {
  console.error(`results: ${unknown} is none of ${Object.keys(results).join(', ')}`);
  process.exitCode = 2;
} else if (names.length === 0) list();
else if (names.every(measure)) process.exitCode = node(['test/bench/tables.mjs'], 'inherit').status ?? 2;
else process.exitCode = 2;

function list() {
  for (const [name, { what, run }] of Object.entries(results))
    console.log(
      `${name.padEnd(13)} ${existsSync(file(name)) ? 'is there' : 'not yet '}  ${what}\n${' '.repeat(24)}node ${run.join(' ')}`,
    );
}

/** A goal that is missed is a result. */
function measure(name) {
  console.error(`results: ${name}`);
  const { status, stdout } = node(results[name].run, 'pipe');
  const line = stdout?.trim().split('\n').at(-1) ?? '';
  const result = parsed(line);
  if (!Array.isArray(result?.rows) || result.rows.length === 0) {
    console.error(`results: ${name} brought no rows (status ${status})`);
    return false;
  }
  mkdirSync(`${root}docs/results`, { recursive: true });
  writeFileSync(`${file(name)}.new`, `${JSON.stringify(result, null, 1)}\n`);
  renameSync(`${file(name)}.new`, file(name));
  return true;
}

function node(args, stdout) {
  return spawnSync(process.execPath, args, {
    ...{ cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 },
    stdio: ['ignore', stdout, 'inherit'],
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function file(name) {
  return `${root}docs/results/${name}.json`;
}
