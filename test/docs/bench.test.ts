import { readFileSync } from 'node:fs';
import type * as v from 'valibot';
import { expect, it } from 'vitest';
import { benchFormats } from '../../src/bench/formats/names.js';
import { benchReportSchema } from '../../src/bench/report-schema.js';
import { wholeReport } from '../support/bench-report.js';

const page = readFileSync(new URL('../../docs/bench.md', import.meta.url), 'utf8');
const section = /^## The report$[^]*?(?=^## )/m.exec(page)?.[0] ?? '';
const told = [...section.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, field]) => field ?? '');

interface Schema extends v.GenericSchema {
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly wrapped?: Schema;
}

/** `rows[].samples[].latency?`, `rows[].samples[].latency.minUs`: every field below `path`. */
function fieldsOf(schema: Schema, path: string): string[] {
  const inner = schema.type === 'nullable' || schema.type === 'exact_optional' ? schema.wrapped : undefined;
  if (inner) return fieldsOf(inner, path);
  if (schema.item) return fieldsOf(schema.item, `${path}[]`);
  return Object.entries(schema.entries ?? {}).flatMap(([name, entry]) => {
    const field = path === '' ? name : `${path}.${name}`;
    const isList = (entry.wrapped ?? entry).type === 'array';
    const mark = `${isList ? '[]' : ''}${entry.type === 'exact_optional' ? '?' : ''}`;
    return [`${field}${mark}`, ...fieldsOf(entry, field)];
  });
}

it('docs/bench.md has the fields of a report, all of them, in their order', () => {
  expect(told).toEqual(fieldsOf(benchReportSchema as Schema, ''));
});

it('a report has the fields that the page has', () => {
  const found = new Set<string>();
  const look = (value: unknown, path: string): void => {
    if (Array.isArray(value)) for (const one of value as unknown[]) look(one, `${path}[]`);
    else if (typeof value === 'object' && value !== null)
      for (const [name, one] of Object.entries(value)) look(one, path === '' ? name : `${path}.${name}`);
    if (path !== '') found.add(path.replace(/\[\]$/, ''));
  };
  look(wholeReport(), '');
  const known = told.map((field) => field.replace(/(\[\])?\??$/, ''));
  const limits = ['parameters.works[].limit.iterations', 'parameters.works[].limit.timeMs'];
  expect([...found].sort()).toEqual([...known, ...limits].sort());
});

it('docs/bench.md has every format', () => {
  for (const format of benchFormats) expect(page).toMatch(new RegExp(`^\\| \`${format}\` +\\|`, 'm'));
});
