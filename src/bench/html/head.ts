import { repeatCommands } from '../repeat-commands.js';
import type { BenchLink, BenchReport } from '../report.js';
import { markup, type Markup } from './markup.js';
import { formatBytes } from './numbers.js';
import { formatDuration } from '../../config/quantity.js';

/** What the numbers are worth nothing without. */
export const head = ({ machine, kernel, node, xfer, commit, date }: BenchReport): Markup =>
  markup`<header><h1>xfer bench</h1><p class="lead">${machine} · ${kernel} · Node ${node} · xfer ${xfer}${commit === null ? '' : ` at ${commit}`} · <time datetime="${date}">${date}</time></p></header>`;

/** All that was chosen, for people and for a shell. */
export function factsSection(report: BenchReport): Markup {
  const { machine, cores, kernel, node, xfer, commit, date, parameters } = report;
  const facts: readonly (readonly [string, string])[] = [
    ['machine', machine],
    ['cores', String(cores)],
    ['kernel', kernel],
    ['Node', node],
    ['xfer', commit === null ? xfer : `${xfer}, commit ${commit}`],
    ['date', date],
    ['other end', parameters.target ?? 'on the same machine'],
    ['transports', parameters.transports.join(', ') || 'none'],
    ['others', parameters.peers.join(', ') || 'none'],
    ['runs of each', String(parameters.repeats)],
    ['limit of a run', limits(report)],
    ['link', parameters.link ? linkText(parameters.link) : 'as it is'],
    ['relays between', String(parameters.hops)],
    ['lanes', chosen(parameters.lanes)],
    ['record', parameters.recordBytes === null ? chosen(null) : formatBytes(parameters.recordBytes)],
    ['congestion control', chosen(parameters.congestion)],
    ['largest packet', parameters.mtuBytes === null ? 'found out' : `${parameters.mtuBytes} bytes`],
    ['provider', chosen(parameters.provider)],
    ['xfer’s own', parameters.isSealed ? 'sealed' : 'not sealed (--no-seal)'],
    ['direction', parameters.isBothWays ? 'both ways at once' : 'one way'],
  ];
  return markup`<section class="facts"><h2>How it was measured</h2><dl>${facts.map(
    ([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl><h3>To run it again</h3><pre>${repeatCommands(report).join('\n')}</pre></section>`;
}

const chosen = (value: string | number | null): string =>
  value === null ? 'as xfer chooses' : String(value);

function limits({ parameters }: BenchReport): string {
  const limited = parameters.works.filter(({ pattern }) => pattern === 'memory' || pattern === 'latency');
  const told = limited.map(({ limit }) =>
    'timeMs' in limit
      ? formatDuration(limit.timeMs / 1e3)
      : `${limit.iterations.toLocaleString('en-US')} iterations`,
  );
  return [...new Set(told)].join(', ') || 'its work';
}

function linkText({ name, bitsPerSecond, delayMs, lossShare, queueBytes, seed }: BenchLink): string {
  return [
    ...(name === null ? [] : [name]),
    bitsPerSecond === undefined ? 'any rate' : `${bitsPerSecond / 1e6} Mbit/s`,
    `${delayMs} ms one way`,
    `${Number((100 * lossShare).toPrecision(3))} % lost`,
    ...(queueBytes === undefined ? [] : [`queue ${formatBytes(queueBytes)}`]),
    `seed ${seed}`,
  ].join(', ');
}
