import type { PathFinding, Verdict } from '../app/finding.js';
import { formatRate } from '../config/quantity.js';
import { printable, printableJson } from '../transfer/printable.js';
import { indented, type TableStyle } from './table-style.js';

/** What stands over the rows of `pathLine`; nothing for programs. */
export function pathsHead(target: string, style: TableStyle): string | undefined {
  if (style.json) return undefined;
  const titles = row('', ['connect', 'round trip', 'loss', 'MTU', 'goodput']);
  return `\n${style.paint('bold', `the path to ${printable(target)}`)}\n${style.paint('dim', titles.trimEnd())}`;
}

/** One way there: for programs an object with `event: "path"`, for people a row of a table. */
export function pathLine(path: PathFinding, style: TableStyle): string {
  if (style.json) return printableJson({ event: 'path', ...path });
  const { state, address, transport, detail = '', code = '' } = path;
  // Some transports are tried at two ports, of which this is the unusual one.
  const way = address.endsWith(':443') ? `${transport}:443` : transport;
  const name = `${way.padEnd(transportColumns)}  `;
  if (state === 'fails') {
    const told = indented(name, `${printable(detail)} (${code})`, style, stateColumns + 2);
    return `${style.paint('red', 'fails'.padEnd(stateColumns))}  ${told}`;
  }
  const cells = row(way, [
    milliseconds(path.connectMs),
    roundTrip(path),
    path.lossShare === undefined ? 'not told' : `${(path.lossShare * 100).toFixed(1)} %`,
    path.mtuBytes === undefined ? 'not told' : String(path.mtuBytes),
    path.goodput === undefined ? (path.unmeasured ?? 'lost') : formatRate(path.goodput),
  ]);
  const at = printable(address);
  const told = style.columns >= wideColumns ? `${cells}${at}` : cells;
  return `${style.paint('green', 'works'.padEnd(stateColumns))}${told.slice(stateColumns).trimEnd()}`;
}

/** What it all means: for programs an object with `event: "verdict"`, for people some lines. */
export function verdictLine({ best, conclusions, remedies }: Verdict, style: TableStyle): string {
  if (style.json) return printableJson({ event: 'verdict', best: best ?? null, conclusions, remedies });
  const said = conclusions.map((sentence) => indented('', printable(sentence), style));
  return ['', ...said, ...remedies.map((remedy) => `  try: ${printable(remedy)}`)].join('\n');
}

const stateColumns = 7;
const transportColumns = 9;
const cellColumns = [10, 16, 10, 10, 11] as const;
const wideColumns = 100;

function row(transport: string, cells: readonly string[]): string {
  const padded = cells.map((cell, at) => cell.padEnd(cellColumns[at] ?? 0));
  return `${' '.repeat(stateColumns)}  ${transport.padEnd(transportColumns)}  ${padded.join('')}`;
}

/** The least, and the median. */
function roundTrip({ minRttMs, rttMs }: PathFinding): string {
  if (minRttMs === undefined || rttMs === undefined) return 'not told';
  return `${figure(minRttMs)} / ${milliseconds(rttMs)}`;
}

function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return 'not told';
  return `${figure(ms)} ms`;
}

const figure = (ms: number): string => ms.toFixed(ms < 0.995 ? 2 : ms < 9.95 ? 1 : 0);
