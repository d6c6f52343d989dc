import { spread } from './stats.mjs';

/** Whole command to whole command: how many times faster than scp one large file goes across. */
export const transferRow = {
  name: 'transfer',
  title: 'one file, whole commands',
  needs: ['scp'],
  from({ xfer, scp }) {
    const ours = spread(xfer.map(({ seconds }) => seconds));
    if (!scp) return [{ unit: 's', ours, skipped: 'no scp to compare with' }];
    const peer = spread(scp.map(({ seconds }) => seconds));
    return [
      { unit: 's', ours, peer, peerName: 'scp', ratio: peer.median / ours.median, goal: { atLeast: 1.5 } },
    ];
  },
};
