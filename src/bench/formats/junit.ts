import { printable } from '../../transfer/printable.js';
import { comparedWords, failedWords, type BaselineComparison, type ComparedRow } from '../baseline.js';
import type { FailedRow } from '../failed-rows.js';
import type { BenchReport, BenchRow } from '../report.js';
import { resultWords, rowsByWork, workWords } from '../row-words.js';

/**
 * A suite for each work, with a case for each contestant, whose time is that of the median run; and one of what was skipped. With a
 * baseline a regression is a failure, so is what is in the baseline and failed now; else what is in the baseline alone is skipped.
 */
export function junit(report: BenchReport, comparison?: BaselineComparison): string {
  const compared = new Map((comparison?.rows ?? []).map((one) => [one.row.id, one]));
  const suites = [...rowsByWork(report.rows)].map(([work, rows]) => ({
    name: work,
    cases: rows.map((row) => rowCase(row, compared.get(row.id))),
  }));
  const { missing = [], failed = [] } = comparison ?? {};
  const skipped = [
    ...report.skipped.map(({ name, code, reason, remedy }) =>
      skippedCase(name, `${reason} (${code}); try: ${remedy}`),
    ),
    ...missing
      .filter((row) => !failed.some((one) => one.row === row))
      .map((row) =>
        skippedCase(`${workWords(row)}: ${row.contestant}`, 'in the baseline, and not measured now'),
      ),
  ];
  const all = [
    ...suites,
    ...(failed.length > 0 ? [{ name: 'failed', cases: failed.map(failedCase) }] : []),
    ...(skipped.length > 0 ? [{ name: 'skipped', cases: skipped }] : []),
  ];
  const cases = all.flatMap((suite) => suite.cases);
  const body = all.map((suite) =>
    element(
      'testsuite',
      { name: suite.name, ...countsOf(suite.cases), timestamp: report.date },
      suite.cases.map(({ xml }) => xml).join(''),
    ),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', { name: 'xfer bench', ...countsOf(cases) }, body.join(''))}`;
}

interface Case {
  readonly xml: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
}

function rowCase(row: BenchRow, compared: ComparedRow | undefined): Case {
  const { seconds, samples, spread, how } = row;
  const head = { classname: `xfer bench.${workWords(row)}`, name: row.contestant, time: seconds.toFixed(6) };
  const said = compared ? comparedWords(compared) : `${row.contestant}: ${resultWords(row)}`;
  const rates = `${samples.length} runs, ${spread.min} to ${spread.max} bytes/s`;
  const out = element(
    'system-out',
    {},
    escaped([said, rates, ...(how === undefined ? [] : [how])].join('; ')),
  );
  if (!compared?.isRegression) return { xml: element('testcase', head, out), outcome: 'passed', seconds };
  const failure = element('failure', { type: 'ERR_XFER_REGRESSION', message: said }, escaped(said));
  return { xml: element('testcase', head, failure + out), outcome: 'failed', seconds };
}

function failedCase(one: FailedRow): Case {
  const head = {
    classname: 'xfer bench.failed',
    name: `${workWords(one.row)}: ${one.row.contestant}`,
    time: '0',
  };
  const failure = { type: one.code, message: failedWords(one) };
  return { xml: element('testcase', head, element('failure', failure)), outcome: 'failed', seconds: 0 };
}

function skippedCase(name: string, message: string): Case {
  const head = { classname: 'xfer bench.skipped', name, time: '0' };
  return { xml: element('testcase', head, element('skipped', { message })), outcome: 'skipped', seconds: 0 };
}

function countsOf(cases: readonly Case[]) {
  const many = (wanted: Case['outcome']) => cases.filter(({ outcome }) => outcome === wanted).length;
  const seconds = cases.reduce((sum, one) => sum + one.seconds, 0);
  return {
    tests: String(cases.length),
    failures: String(many('failed')),
    errors: '0',
    skipped: String(many('skipped')),
    time: seconds.toFixed(6),
  };
}

/** `content` is XML already; elements in it begin on lines of their own. */
function element(name: string, attributes: Readonly<Record<string, string>>, content = ''): string {
  const head = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  if (content === '') return `<${name}${head.join('')}/>\n`;
  return `<${name}${head.join('')}>${content.startsWith('<') ? '\n' : ''}${content}</${name}>\n`;
}

/** Controls and lone surrogates, which XML 1.0 §2.2 does not allow, go the way of all that is printed; two characters more it forbids. */
const escaped = (text: string): string =>
  printable(text)
    .replaceAll(/[\uFFFE\uFFFF]/g, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
