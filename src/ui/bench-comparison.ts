import { changeWords, comparedWords, failedWords, type BaselineComparison } from '../bench/baseline.js';
import { percent, workWords } from '../bench/row-words.js';
import { printable, printableJson } from '../transfer/printable.js';
import { indented, type TableStyle } from './table-style.js';

/** A report beside its baseline: for programs an object with `event: "baseline"`, for people a row a line, regressions and what failed in red. */
export function comparisonLines(comparison: BaselineComparison, style: TableStyle): string[] {
  const { rows, missing, added, failed, notes, machineRatio, tolerance, basis } = comparison;
  if (style.json)
    return [
      printableJson({
        ...{ event: 'baseline', basis, machineRatio, tolerance },
        rows: rows.map(({ row: { id }, was: _was, ...compared }) => ({ id, ...compared })),
        missing: missing.map(({ id }) => id),
        added: added.map(({ id }) => id),
        failed: failed.map(({ row: { id }, code, reason }) => ({ id, code, reason })),
        notes,
      }),
    ];
  const said = (text: string) => indented('  ', printable(text), style);
  return [
    `${style.paint('bold', 'beside the baseline')}, of which ${percent(tolerance)} may be lost`,
    ...(machineRatio === undefined ? [] : [said(`reference: ${changeWords(machineRatio)}`)]),
    ...notes.map(said),
    ...rows.map((row) =>
      row.isRegression
        ? style.paint('red', said(`REGRESSION ${comparedWords(row)}`))
        : said(comparedWords(row)),
    ),
    ...failed.map((one) => style.paint('red', said(`FAILED ${failedWords(one)}`))),
    ...missing
      .filter((row) => !failed.some((one) => one.row === row))
      .map((row) => style.paint('yellow', said(`not measured now: ${row.contestant} (${workWords(row)})`))),
    ...added.map((row) => said(`not in the baseline: ${row.contestant} (${workWords(row)})`)),
  ];
}
