import { hasPath } from './has-path.js';
import type { Beside, BenchRow } from './report.js';
import { median } from './row.js';

/** The rows of one work, those of xfer that go anywhere with what they are beside each peer that is encrypted as they are. */
export function withBesides(rows: readonly BenchRow[]): readonly BenchRow[] {
  return rows.map((row) => {
    if (row.kind !== 'xfer' || !hasPath(row)) return row;
    const besides = rows
      .filter(({ kind, isSealed }) => kind === 'peer' && isSealed === row.isSealed)
      .map((peer) => beside(row, peer));
    return besides.length > 0 ? { ...row, besides } : row;
  });
}

/** Both have run in each round, one behind the other, so rounds are compared with themselves. */
function beside(ours: BenchRow, peer: BenchRow): Beside {
  const rounds = ours.samples.flatMap(({ bytesPerSecond }, round) => {
    const theirs = peer.samples[round];
    return theirs ? [bytesPerSecond / theirs.bytesPerSecond] : [];
  });
  const rate = ({ samples }: BenchRow): number => median(samples.map(({ bytesPerSecond }) => bytesPerSecond));
  return {
    contestant: peer.contestant,
    ratio: rate(ours) / rate(peer),
    min: Math.min(...rounds),
    max: Math.max(...rounds),
  };
}
