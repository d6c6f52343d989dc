import { caption, cell, markdownTable } from './read-result.mjs';

/** Of `xfer bench`: every row with its spread, and its ratios to others of the same encryption. */
export function benchTable(result) {
  const lines = result.rows.map((row) => [
    work(row),
    cell(row.contestant),
    row.isSealed ? 'yes' : 'no',
    rate(row.bytesPerSecond),
    `${rate(row.spread.min)} – ${rate(row.spread.max)}, ${row.samples.length} runs`,
    row.latency ? `${us(row.latency.medianUs)}, 99 % ${us(row.latency.p99Us)}` : '',
    (row.besides ?? []).map(({ contestant, ratio }) => `${cell(contestant)} ${ratio.toFixed(2)}`).join(', '),
  ]);
  const skipped = result.skipped.map(({ name, reason }) => `- skipped: ${cell(name)}, ${cell(reason)}`);
  const head = ['work', 'by', 'encrypted', 'median', 'spread', 'latency', 'times as fast as'];
  return `${caption(result)}\n\n${markdownTable(head, lines)}\n\n${skipped.join('\n')}`;
}

function work({ pattern, bytes, count, isBothWays }) {
  const power = [30, 20, 10].find((one) => bytes % 2 ** one === 0) ?? 0;
  const size = `${bytes / 2 ** power} ${{ 30: 'GiB', 20: 'MiB', 10: 'KiB', 0: 'bytes' }[power]}`;
  const amount = count === 1 ? size : `${count.toLocaleString('en-US')} × ${size}`;
  return `${pattern}, ${amount}${isBothWays ? ', both ways' : ''}`;
}

export const rate = (bytesPerSecond) =>
  bytesPerSecond < 1e9
    ? `${Number((bytesPerSecond / 1e6).toPrecision(3))} MB/s`
    : `${(bytesPerSecond / 1e9).toFixed(2)} GB/s`;

export const us = (value) =>
  value < 1000 ? `${Number(value.toPrecision(3))} µs` : `${(value / 1000).toFixed(2)} ms`;
