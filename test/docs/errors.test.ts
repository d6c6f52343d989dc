import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorTable, exitStatus, type ErrorCode } from '../../src/errors/index.js';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** What the page says: rows of the table below each heading `Exit N`. */
const told = page
  .split(/^## Exit /m)
  .flatMap((section) =>
    [...section.matchAll(/^\| `(ERR_\w+)` +\| (\w+) +\| (yes|no) +\| (.+?) +\|$/gm)].map(
      ([, code, origin, retry, remedy]) => ({ code, origin, retry, remedy, exit: parseInt(section, 10) }),
    ),
  );

describe('docs/errors.md', () => {
  it('names every code of the table, once, and no other', () => {
    expect(told.map(({ code }) => code).sort()).toEqual(Object.keys(errorTable).sort());
  });

  it.each(told)('says of $code what the table says', ({ code, origin, retry, remedy, exit }) => {
    const row = errorTable[code as ErrorCode];
    expect({ origin, remedy, exit }).toEqual({ origin: row.origin, remedy: row.remedy, exit: row.exit });
    expect(retry).toBe(row.retryable ? 'yes' : 'no');
  });
});

describe('the table of errors', () => {
  it('uses every wire number once and never 0', () => {
    const wires = Object.values(errorTable).map(({ wire }) => wire);
    expect(new Set(wires).size).toBe(wires.length);
    expect(Math.min(...wires)).toBeGreaterThan(0);
  });
});

describe('the exit statuses in the README', () => {
  it('are those of the table', () => {
    const section = /Exit statuses are the same[^]*?(?=\n\n[^|\n])/.exec(readme)?.[0] ?? '';
    const listed = [...section.matchAll(/^\| (\d+) +\|/gm)].map(([, status]) => Number(status));
    expect(listed).toEqual(Object.values(exitStatus));
  });
});
