import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BenchReport } from '../../../src/bench/report.js';
import type { XferError } from '../../../src/errors/index.js';
import { benchOutputs } from '../../../src/ui/bench-outputs.js';
import { reportOf, rowOf } from '../../support/bench-report.js';

const fast = [1e9, 1e9, 1e9, 1e9, 1e9];
const slow = reportOf([rowOf([7e8, 7e8, 7e8, 7e8, 7e8])]);
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xfer-outputs-'));
  await writeFile(join(directory, 'then.json'), JSON.stringify(reportOf([rowOf(fast)])));
});
afterAll(() => rm(directory, { recursive: true }));
afterEach(() => void vi.restoreAllMocks());

/** What stdout had when a report came, what was said to be told, and what was thrown. */
async function told(report: BenchReport, json: boolean, hasBaseline: boolean) {
  let stdout = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
  const already: XferError[] = [];
  const baseline = { path: join(directory, 'then.json'), tolerance: 0.1 };
  const outputs = await benchOutputs({
    ...{ json, quiet: false, ...(hasBaseline ? { baseline } : {}) },
    onTold: (error) => already.push(error),
  });
  const error: unknown = await outputs.onReport(report).catch((thrown: unknown) => thrown);
  vi.restoreAllMocks();
  return { lines: stdout.trimEnd().split('\n'), already, error };
}

describe('what comes of a bench', () => {
  it.each([
    {
      of: 'a regression',
      report: slow,
      hasBaseline: true,
      code: 'ERR_XFER_REGRESSION',
      before: ['baseline'],
    },
    {
      of: 'no row of xfer, which failed',
      report: reportOf([rowOf(fast, { kind: 'peer', contestant: 'scp' })], {
        skipped: [{ name: 'tcp', code: 'ERR_XFER_TAMPERED', reason: 'changed', remedy: 'tell' }],
      }),
      ...{ hasBaseline: false, code: 'ERR_XFER_TAMPERED', before: [] },
    },
  ])('ends for programs with the report, also with $of', async ({ report, hasBaseline, code, before }) => {
    const { lines, already, error } = await told(report, true, hasBaseline);
    const events = lines.map((line) => JSON.parse(line) as { event: string; code?: string; exit?: number });
    expect(events.map(({ event }) => event)).toEqual([...before, 'error', 'bench']);
    expect(events.at(-2)).toMatchObject({ code, exit: 5, remedy: expect.any(String) as string });
    expect(error).toMatchObject({ code, exit: 5 });
    expect(already).toEqual([error]);
    const people = await told(report, false, hasBaseline);
    expect(people.lines.join('\n')).toMatch(/^verdict$/m);
    expect({ error: people.error, already: people.already }).toMatchObject({ error: { code }, already: [] });
  });

  it('has no error of what went well', async () => {
    const { lines, already, error } = await told(reportOf([rowOf(fast)]), true, true);
    expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['baseline', 'bench']);
    expect({ already, error }).toEqual({ already: [], error: undefined });
  });
});

describe('the page of a bench', () => {
  it.each([
    [{ json: true }, /"event":"error".*"event":"bench"/s],
    [{ format: 'csv' as const }, /contestant/],
    [{}, /verdict/],
  ])('that cannot be written loses nothing of what was measured: %j', async (how, expected) => {
    let stdout = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const reportPath = join(await mkdtemp(join(directory, 'page-')), 'page.html');
    const outputs = await benchOutputs({ json: false, quiet: false, reportPath, ...how });
    // What takes its place meanwhile.
    await mkdir(reportPath);
    await expect(outputs.onReport(slow)).rejects.toMatchObject({ code: 'ERR_XFER_IS_DIRECTORY' });
    outputs.close();
    expect(stdout).toMatch(expected);
  });
});
