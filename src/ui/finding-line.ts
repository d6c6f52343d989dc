import type { Finding } from '../app/doctor.js';
import { printable, printableJson } from '../transfer/printable.js';

/** What `xfer doctor` found, on one line: for programs an object with `event: "finding"`. */
export function findingLine(finding: Finding, { json }: { json: boolean }): string {
  const { subject, state, detail, remedy } = finding;
  if (json) return printableJson({ event: 'finding', subject, state, detail, remedy });
  const advice = remedy === undefined ? '' : `: ${remedy}`;
  return printable(`${state.padEnd(7)}  ${subject.padEnd(14)}  ${detail}${advice}`);
}
