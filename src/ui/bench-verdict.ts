import type { BenchVerdict } from '../bench/report.js';
import { printable } from '../transfer/printable.js';
import { indented, type TableStyle } from './table-style.js';

/** The verdict of a bench for people: sentences as wide as the terminal, and what to type, each on a line that can be copied. */
export function verdictLines({ findings, advice }: BenchVerdict, style: TableStyle): string[] {
  return [
    style.paint('bold', 'verdict'),
    ...findings.map((finding) => indented('  ', printable(finding), style)),
    ...advice.map((one) => `  try: ${printable(one)}`),
  ];
}
