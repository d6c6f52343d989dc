import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BaselineComparison } from '../../../src/bench/baseline.js';
import { benchFinish, type FinishOptions } from '../../../src/bench/finish.js';
import { comparisonLines } from '../../../src/ui/bench-comparison.js';
import { tableStyle } from '../../../src/ui/table-style.js';
import { reportOf, rowOf } from '../../support/bench-report.js';

const then = reportOf([rowOf([1e9, 1e9, 1e9, 1e9, 1e9]), rowOf([1e9], { contestant: 'quic' })]);
const slow = reportOf([rowOf([7e8, 7e8, 7e8, 7e8, 7e8]), rowOf([1e9], { contestant: 'ws\u001b' })]);
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xfer-finish-'));
  await writeFile(join(directory, 'then.json'), JSON.stringify(then));
  await writeFile(join(directory, 'none.json'), '{}');
});
afterAll(() => rm(directory, { recursive: true }));

/** Ends with what it threw, if anything, behind all that was printed. */
async function finished(file: string | undefined, format?: FinishOptions['format'], report = slow) {
  const said: (string | BaselineComparison)[] = [];
  const finish = await benchFinish({
    ...(format === undefined ? {} : { format }),
    ...(file === undefined ? {} : { baseline: { path: join(directory, file), tolerance: 0.1 } }),
    print: (text) => said.push(text),
    onComparison: (comparison) => said.push(comparison),
  });
  try {
    finish(report);
  } catch (error) {
    return { said, error };
  }
  return { said };
}

describe('a finished bench', () => {
  it('is compared with another build by the rows of that, which are no rows of ours', async () => {
    const rows = [
      rowOf([7e8, 7e8, 7e8, 7e8, 7e8], { id: 'file/1GiB/tcp' }),
      rowOf([1e9, 1e9, 1e9, 1e9, 1e9], { contestant: 'tcp, baseline', kind: 'baseline' }),
    ];
    const lines: BaselineComparison[] = [];
    const finish = await benchFinish({
      baseline: { tolerance: 0.1 },
      print: () => undefined,
      onComparison: (comparison) => lines.push(comparison),
    });
    expect(() => finish(reportOf(rows))).toThrow('one row is slower than the baseline by more than 10 %');
    expect(lines.map(({ basis, rows: all, added, missing }) => [basis, all.length, added, missing])).toEqual([
      ['raw', 1, [], []],
    ]);
    expect(() => finish(reportOf(rows.slice(0, 1)))).toThrow('the other build did nothing');
  });

  it('prints its report first, then fails for a regression', async () => {
    const { said, error } = await finished('then.json', 'junit');
    expect(said).toEqual([expect.stringContaining('<failure type="ERR_XFER_REGRESSION"')]);
    expect(error).toMatchObject({ code: 'ERR_XFER_REGRESSION', exit: 5 });
  });

  it('prints its report also where the baseline is of something else', async () => {
    const other = reportOf(slow.rows, { parameters: { ...slow.parameters, lanes: 3 } });
    const { said, error } = await finished('then.json', 'csv', other);
    expect(said).toEqual([expect.stringContaining('bytesPerSecond')]);
    expect(error).toMatchObject({ code: 'ERR_XFER_USAGE', exit: 2 });
  });

  it('tells people and programs how it differs', async () => {
    const { said } = await finished('then.json');
    const [comparison] = said as BaselineComparison[];
    if (!comparison) throw new RangeError('nothing was told');
    const style = tableStyle({ json: false }, {});
    expect(comparisonLines(comparison, style)).toEqual([
      'beside the baseline, of which 10 % may be lost',
      '  REGRESSION tcp (file, 1GiB): 700 MB/s, was 1.00 GB/s: 30 % slower, slower in 25 of 25 pairs of runs',
      '  not measured now: quic (file, 1GiB)',
      '  not in the baseline: ws\\u{1b} (file, 1GiB)',
    ]);
    const [line = ''] = comparisonLines(comparison, { ...style, json: true });
    expect(JSON.parse(line)).toMatchObject({
      ...{ event: 'baseline', basis: 'raw', tolerance: 0.1, missing: ['file 1073741824 1 quic'] },
      rows: [{ id: 'file 1073741824 1 tcp', isRegression: true, slowerShare: 1 }],
    });
  });

  it('has nothing to say without either', async () => {
    expect(await finished(undefined)).toEqual({ said: [] });
  });

  it.each([
    ['gone.json', { code: 'ERR_XFER_NOT_FOUND', exit: 6 }],
    ['none.json', { code: 'ERR_XFER_USAGE', exit: 2 }],
    ['.', { code: 'ERR_XFER_IS_DIRECTORY', exit: 6 }],
  ])('tells of %s before anything runs', async (file, wrong) => {
    await expect(finished(file)).rejects.toMatchObject(wrong);
  });
});
