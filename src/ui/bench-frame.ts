import type { BenchEntry } from '../bench/report.js';
import { formatDuration, formatRate } from '../config/quantity.js';
import { printable } from '../transfer/printable.js';
import { figureOf, formatFigure, formatRange, median, significant, workTitle } from './bench-figures.js';
import type { BenchPicture, ContestantPicture, RunPicture } from './bench-tally.js';
import { clip, fitTable, type TableColumn } from './fit-table.js';
import { sparkline } from './sparkline.js';
import type { TableStyle } from './table-style.js';

export interface FrameRoom {
  readonly columns: number;
  readonly rows: number;
}

/** Lines that are no contestants: three of the head, four of the run, titles, spaces, and one that the terminal keeps. */
const otherLines = 12;
const mostColumns = 200;

/**
 * A bench at one moment as lines, none of them wider or all of them higher than the room. As long as a work lasts they are
 * as many, so that nothing jumps.
 */
export function benchFrame(
  picture: BenchPicture,
  { columns, rows }: FrameRoom,
  paint: TableStyle['paint'],
): readonly string[] {
  const width = Math.max(1, Math.min(columns, mostColumns));
  const lines = [
    paint('bold', clip(headLine(picture), width)),
    clip(progressLine(picture, width), width),
    '',
    ...contestantLines(picture, width, Math.max(1, rows - otherLines), paint),
    '',
    ...runLines(picture, width, paint),
    clip(skippedLine(picture), width),
  ];
  return lines.slice(0, Math.max(1, rows - 1));
}

function headLine({ work, place, pass, run }: BenchPicture): string {
  const parts = [
    'xfer bench',
    ...(pass === undefined ? [] : [`pass ${pass}`]),
    ...(place.of > 1 ? [`work ${place.at} of ${place.of}`] : []),
    work === undefined ? 'getting ready' : workTitle(work),
    ...(run === undefined ? [] : [`round ${run.round} of ${place.rounds}`]),
  ];
  return parts.join(' · ');
}

/** Of all runs, with the time that they will still take. */
function progressLine({ runsDone, runsInAll, secondsLeft }: BenchPicture, width: number): string {
  const share = runsInAll > 0 ? Math.min(1, runsDone / runsInAll) : 0;
  const numbers = [
    `${String(Math.floor(share * 100)).padStart(3)} %`,
    `${runsDone} of ${runsInAll} runs`,
    ...(secondsLeft === undefined
      ? []
      : [`about ${formatDuration(Math.max(1, Math.round(secondsLeft)))} left`]),
  ].join('  ');
  const bar = Math.min(40, width - numbers.length - 2);
  if (bar < 5) return numbers.trimStart();
  const full = Math.round(share * bar);
  return `${'█'.repeat(full)}${'░'.repeat(bar - full)}  ${numbers}`;
}

/** Those around the one that runs where not all have room. */
function contestantLines(
  { contestants, run, place }: BenchPicture,
  width: number,
  room: number,
  paint: TableStyle['paint'],
): readonly string[] {
  const least = contestants.length > room ? room - 1 : room;
  const running = contestants.findIndex(({ state }) => state === 'running');
  const from = Math.max(0, Math.min(running - (least >> 1), contestants.length - least));
  const shown = contestants.slice(from, from + Math.max(1, least));
  const more = contestants.length - shown.length;
  const { lines } = fitTable(columnsOf(shown, run, place.rounds), width);
  return [
    ...lines.map((line, at) => {
      const state = shown[at - 1]?.state;
      return at === 0 || state === 'running' ? paint('bold', line) : line;
    }),
    ...(more > 0 ? [clip(`and ${more} more`, width)] : []),
  ];
}

const figureWidth = 11;
const rangeWidth = 15;
const passBars = 24;

function columnsOf(
  shown: readonly ContestantPicture[],
  run: RunPicture | undefined,
  rounds: number,
): readonly TableColumn[] {
  const cells = (text: (one: ContestantPicture) => string): readonly string[] => shown.map(text);
  const isRepeated = shown.some(({ passes }) => passes.length > 0);
  const all: readonly TableColumn[] = [
    { title: '  contestant', rank: 0, isLeft: true, leastWidth: 14, shrinksTo: 14, cells: cells(nameOf) },
    { title: 'state', rank: 2, isLeft: true, leastWidth: 7, cells: cells((one) => stateOf(one, rounds)) },
    {
      ...{ title: 'now', rank: 3, leastWidth: figureWidth },
      cells: cells(({ entry, state }) =>
        state === 'running' && run?.figure !== undefined ? formatFigure(entry.pattern, run.figure) : ' ',
      ),
    },
    figures('median', 1, shown, ({ figures: runs }) => (runs.length > 0 ? median(runs) : undefined)),
    {
      ...{ title: 'range', rank: 5, leastWidth: rangeWidth },
      cells: cells(({ entry, figures: runs }) => rangeOf(entry, runs)),
    },
    {
      ...{ title: 'runs', rank: 4, isLeft: true, leastWidth: Math.max(4, Math.min(rounds, 20)) },
      cells: cells(({ figures: runs }) => sparkline(runs, Math.min(runs.length, 20)) || ' '),
    },
    {
      title: 'as',
      rank: 9,
      isLeft: true,
      shrinksTo: 10,
      cells: cells(({ entry }) => printable(entry.how ?? '')),
    },
  ];
  return isRepeated ? [...all.slice(0, -1), ...passColumns(shown), ...all.slice(-1)] : all;
}

/** What earlier passes came to. */
function passColumns(shown: readonly ContestantPicture[]): readonly TableColumn[] {
  const past = ({ entry, passes }: ContestantPicture): readonly number[] =>
    passes.map((row) => figureOf(entry.pattern, row));
  return [
    {
      ...{ title: 'passes', rank: 3.1, isLeft: true, leastWidth: 6 },
      cells: shown.map((one) => sparkline(past(one), Math.min(one.passes.length, passBars)) || ' '),
    },
    figures('pass median', 3.2, shown, (one) => (one.passes.length > 0 ? median(past(one)) : undefined)),
    {
      ...{ title: 'pass range', rank: 3.3, leastWidth: rangeWidth },
      cells: shown.map((one) => rangeOf(one.entry, past(one))),
    },
  ];
}

function figures(
  title: string,
  rank: number,
  shown: readonly ContestantPicture[],
  of: (one: ContestantPicture) => number | undefined,
): TableColumn {
  const cells = shown.map((one) => {
    const figure = of(one);
    return figure === undefined ? ' ' : formatFigure(one.entry.pattern, figure);
  });
  return { title, rank, cells, leastWidth: figureWidth };
}

/** Of several the least and the most. */
function rangeOf({ pattern }: BenchEntry, values: readonly number[]): string {
  return values.length > 1 ? formatRange(pattern, Math.min(...values), Math.max(...values)) : ' ';
}

function nameOf({ entry, state }: ContestantPicture): string {
  return `${state === 'running' ? '>' : ' '} ${printable(entry.contestant)}`;
}

function stateOf({ state, figures: runs }: ContestantPicture, rounds: number): string {
  return state === 'between' ? `${runs.length} of ${rounds}` : state;
}

const runLineCount = 4;

/** What is known of the run that is under way: as many lines whatever that is. */
function runLines({ run, work }: BenchPicture, width: number, paint: TableStyle['paint']): readonly string[] {
  const lines = run === undefined ? [] : linesOf(run, width, paint);
  const waiting = run === undefined && work !== undefined ? [clip('between two runs', width)] : [];
  return [...lines, ...waiting, ...Array.from({ length: runLineCount }, () => '')].slice(0, runLineCount);
}

function linesOf(run: RunPicture, width: number, paint: TableStyle['paint']): readonly string[] {
  const { entry, figure, history, lanes, seconds } = run;
  const now = figure === undefined ? 'begins' : formatFigure(entry.pattern, figure);
  const room = Math.max(0, width - figureWidth - 3);
  const sealed = entry.isSealed ? 'sealed' : 'plain';
  const bars = sparkline(history, Math.min(room, history.length));
  return [
    paint('bold', clip(`${printable(entry.contestant)}, ${sealed} · ${formatDuration(seconds)}`, width)),
    clip(`  ${now.padStart(figureWidth)}`, width) + (bars === '' ? '' : ` ${paint('magenta', bars)}`),
    clip(laneLine(lanes, width), width),
    clip(factLine(run), width),
  ];
}

/** As many lanes as there is room for, and how many others there are. */
function laneLine(lanes: readonly number[], width: number): string {
  if (lanes.length === 0) return '';
  let line = lanes.length === 1 ? '  one lane' : '  lanes';
  for (const [at, rate] of lanes.entries()) {
    const longer = `${line}  ${lanes.length === 1 ? '' : `${at + 1}: `}${formatRate(rate)}`;
    const others = `  and ${lanes.length - at} more`;
    const isLast = at === lanes.length - 1;
    if (longer.length + (isLast ? 0 : others.length) > width) return `${line}${others}`;
    line = longer;
  }
  return line;
}

function factLine({ rttMs, lossShare, cpu }: RunPicture): string {
  const busy = cpu.map(({ process, cores }) => `${printable(process)} ${significant(cores)}`);
  const facts = [
    ...(rttMs === undefined ? [] : [`RTT ${significant(rttMs)} ms`]),
    ...(lossShare === undefined ? [] : [`loss ${significant(lossShare * 100)} %`]),
    ...(busy.length === 0 ? [] : [`CPU ${busy.join(', ')} cores`]),
  ];
  return facts.length === 0 ? '' : `  ${facts.join('  ')}`;
}

/** The last of them, and how many. */
function skippedLine({ skipped }: BenchPicture): string {
  const last = skipped.at(-1);
  if (last === undefined) return '';
  const others = skipped.length > 1 ? ` (and ${skipped.length - 1} more)` : '';
  return `skipped ${printable(last.name)}${others}: ${printable(last.reason)}`;
}
