import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { formatSpread } from './stats.mjs';

/** Machine, kernel, Node and commit: what a number is worth nothing without. */
export function machine() {
  // What was measured before is of this commit, too: results and their tables change no program.
  const changed = said('git', [
    'status',
    '--porcelain',
    '--',
    ':/',
    ':(top,exclude)docs',
    ':(top,exclude)README.md',
  ]);
  const commit = said('git', ['describe', '--always', '--abbrev=10']) + (changed === '' ? '' : '-dirty');
  return {
    machine: `${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    kernel: `${type()} ${release()}`,
    node: process.version,
    commit,
    load: `load ${loadavg()[0].toFixed(1)} before`,
    date: new Date().toISOString(),
  };
}

/** `met`, `missed`, or why there is nothing to say. */
export function verdict({ skipped, goal, ratio }) {
  if (skipped) return `skipped: ${skipped}`;
  if (!goal) return '';
  const met = goal.atLeast === undefined ? ratio <= goal.atMost : ratio >= goal.atLeast;
  return met ? 'met' : 'missed';
}

/** Markdown, so that it can go into the documentation as it is. */
export function table(rows, enforced) {
  const head = ['what', 'xfer', 'beside', 'ratio', 'goal', ''];
  const lines = rows.map((row) => [
    `${row.title}${row.part ? `, ${row.part}` : ''}`,
    row.ours ? formatSpread(row.ours, row.unit) : '',
    row.peer ? besides(row) : '',
    row.ratio === undefined ? '' : ratioText(row),
    row.goal ? goalText(row.goal) : '',
    enforced || row.skipped ? verdict(row) : 'not judged',
  ]);
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const besides = ({ peer, peerName, unit }) =>
  peer.runs === undefined ? `${peerName} ${peer.median} ${unit}` : `${peerName} ${formatSpread(peer, unit)}`;

const ratioText = ({ ratio, rounds }) =>
  ratio.toFixed(2) + (rounds ? ` (by round ${rounds.min.toFixed(2)}–${rounds.max.toFixed(2)})` : '');

const goalText = ({ atLeast, atMost }) => (atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`);

function said(command, args) {
  try {
    return execFileSync(command, args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
