import { ratioOf, spread } from './stats.mjs';

/** Whole command to whole command: how many times faster than scp one large file goes across. */
export const transferRow = {
  name: 'transfer',
  title: 'one file, whole commands',
  needs: ['scp'],
  from({ xfer, scp }) {
    const ours = xfer.map(({ seconds }) => seconds);
    const row = { unit: 's', ours: spread(ours) };
    if (!scp) return [{ ...row, skipped: 'no scp to compare with' }];
    const theirs = scp.map(({ seconds }) => seconds);
    return [
      { ...row, peer: spread(theirs), peerName: 'scp', ...ratioOf(theirs, ours), goal: { atLeast: 1.5 } },
    ];
  },
};
