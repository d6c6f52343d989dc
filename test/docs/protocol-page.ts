import { readdirSync, readFileSync } from 'node:fs';

export const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

/** The rows of all tables of the page that have exactly these columns. Throws where there is none. */
export function tableWith(...columns: readonly string[]): readonly (readonly string[])[] {
  const rows = page
    .split(/\n\n+/)
    .map((block) =>
      block
        .split('\n')
        .filter((line) => line.startsWith('|'))
        .map(cells),
    )
    .filter(([head]) => head?.join('|') === columns.join('|'))
    .flatMap((table) => table.slice(2));
  if (rows.length === 0) throw new Error(`docs/protocol.md has no table of ${columns.join(', ')}`);
  return rows;
}

/** The hex of the example with this name, without spaces. */
export function exampleOf(name: string): string {
  const [, text] = new RegExp(`^\`\`\`hex ${name}\\n([^\`]+)\`\`\``, 'm').exec(page) ?? [];
  if (text === undefined) throw new Error(`docs/protocol.md has no example ${name}`);
  return text.replace(/\s/g, '');
}

/** `16 KiB`, `1 MiB + 4 KiB`, `30 s` (in ms), `500 ms`, `2^16`, `−2^40`, `2^53 − 1`, `512`. */
export function numberOf(text: string): number {
  const [first = '', ...others] = text.split(/ (?=[+−] )/);
  return others.reduce(
    (sum, part) => sum + (part.startsWith('−') ? -1 : 1) * term(part.slice(2)),
    term(first),
  );
}

/** All labels and prefixes in the code of the session, sorted. */
export function labelsIn(directory: URL): string[] {
  const sources = readdirSync(directory).filter((name) => /\.ts$/.test(name) && name !== 'identity.ts');
  const all = sources.map((name) => readFileSync(new URL(name, directory), 'utf8')).join('\n');
  const labels = [...all.matchAll(/'(xfer (?:1 [a-z ]+|pairing|handshake))'/g)].map(
    ([, label]) => label ?? '',
  );
  return [...new Set(labels)].sort();
}

const units: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, ms: 1, s: 1000 };

function term(text: string): number {
  const [, sign, base, power, unit = ''] = /^(−?)(\d+)(?:\^(\d+))?(?: (KiB|MiB|ms|s))?$/.exec(text) ?? [];
  if (base === undefined) throw new Error(`no number: ${text}`);
  const value = Number(base) ** (power === undefined ? 1 : Number(power)) * (units[unit] ?? NaN);
  return sign === '' ? value : -value;
}

const cells = (line: string) =>
  line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
