import { ratioOf, spread } from './stats.mjs';

/** Whole command to whole command: how many times faster than each peer one large file goes across. */
export const transferRow = row('transfer', 'one file, whole commands', { scp: 1.8, rsync: 2, socat: 0.8 });

/** The same with 4 GiB, where start and pairing weigh less. */
export const transfer4gRow = row('transfer-4g', '4 GiB, whole commands', { scp: 2.3, rsync: 2.8, socat: 1 });

function row(name, title, goals) {
  return {
    ...{ name, title, needs: Object.keys(goals) },
    from(samples) {
      const ours = samples.xfer.map(({ seconds }) => seconds);
      return Object.entries(goals).map(([peerName, atLeast]) => {
        const shown = { part: `beside ${peerName}`, unit: 's', ours: spread(ours) };
        if (!samples[peerName]) return { ...shown, skipped: `no ${peerName} to compare with` };
        const theirs = samples[peerName].map(({ seconds }) => seconds);
        return { ...shown, peer: spread(theirs), peerName, ...ratioOf(theirs, ours), goal: { atLeast } };
      });
    },
  };
}
