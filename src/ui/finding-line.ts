import type { Finding } from '../app/finding.js';
import { printable, printableJson } from '../transfer/printable.js';
import { indented, type TableStyle } from './table-style.js';

/** What `xfer doctor` found on this machine: for programs an object with `event: "finding"`, for people a row of a table. */
export function findingLine(finding: Finding, style: TableStyle): string {
  const { subject, state, detail, remedy } = finding;
  if (style.json) return printableJson({ event: 'finding', subject, state, detail, remedy });
  const row = indented(
    `${printable(subject).padEnd(subjectColumns)}  `,
    printable(detail),
    style,
    stateColumns + 2,
  );
  const said = `${style.paint(colours[state], state.padEnd(stateColumns))}  ${row}`;
  if (remedy === undefined || remedy === '') return said;
  // What is to be typed stays on one line, so that it can be copied.
  return `${said}\n${' '.repeat(stateColumns + subjectColumns + 4)}try: ${printable(remedy)}`;
}

const stateColumns = 7;
const subjectColumns = 14;
const colours = { ok: 'green', slower: 'yellow', missing: 'red', none: 'dim' } as const;
