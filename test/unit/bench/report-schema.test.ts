import { describe, expect, it } from 'vitest';
import { parseBenchReport } from '../../../src/bench/report-schema.js';
import { wholeReport } from '../../support/bench-report.js';

const refused = (what: RegExp): unknown =>
  expect.objectContaining({ code: 'ERR_XFER_USAGE', message: expect.stringMatching(what) as string });

describe('a report in a file', () => {
  it('is what was written, alone or as the line of --json that it is', () => {
    const report = wholeReport();
    const line = JSON.stringify({ event: 'bench', ...report });
    expect(parseBenchReport(JSON.stringify(report, null, 2), 'a.json')).toEqual(report);
    const lines = ['{"event":"row"}', line, '{"event":"error","message":"xfer-bench"}', ''].join('\n');
    expect(parseBenchReport(lines, 'a.json')).toEqual(report);
  });

  it.each([
    ['', /^f: no report/],
    ['{"schema":"xfer-bench"', /no report/],
    ['[]', /no report/],
    ['{"schema":"other","version":2}', /no report/],
    ['{"schema":"xfer-bench","version":1}', /version 1, and this xfer reads version 2/],
    ['{"schema":"xfer-bench","version":3}', /version 3/],
    ['{"schema":"xfer-bench"}', /version none/],
    ['{"schema":"xfer-bench","version":2}', /machine: is missing/],
  ])('%s is none', (content, what) => {
    expect(() => parseBenchReport(content, 'f')).toThrow(refused(what));
  });

  it.each([
    [/rows\.0\.samples\.1\.seconds: must be a number/, '"seconds":null'],
    [/rows\.0\.samples\.1\.seconds: must not be below 0/, '"seconds":-1'],
  ])('names the field: %s', (what, broken) => {
    const report = wholeReport();
    const [row] = report.rows;
    const [first, second] = row?.samples ?? [];
    const changed = { ...report, rows: [{ ...row, samples: [first, second] }] };
    const json = JSON.stringify(changed);
    const at = json.lastIndexOf('"seconds":', json.lastIndexOf('"bytesPerSecond"'));
    const content = json.slice(0, at) + broken + json.slice(json.indexOf(',', at));
    expect(() => parseBenchReport(content, 'f')).toThrow(refused(what));
  });

  it('may not be without runs, or with more than it can hold', () => {
    const report = wholeReport();
    const empty = { ...report, rows: report.rows.map((row) => ({ ...row, samples: [] })) };
    expect(() => parseBenchReport(JSON.stringify(empty), 'f')).toThrow(refused(/samples: must not be empty/));
    const long = { ...report, machine: 'x'.repeat(5000) };
    expect(() => parseBenchReport(JSON.stringify(long), 'f')).toThrow(refused(/machine: must have 4096/));
  });
});
