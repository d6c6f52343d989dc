import { ratioOf, spread } from './stats.mjs';

const peers = ['scp', 'rsync', 'socat', 'lane'];

/** Processor seconds a GiB of both sides together, whole processes and what they started; nothing is judged. */
export const cpuRow = {
  name: 'cpu',
  title: 'processor time a GiB, both sides',
  needs: peers,
  from(samples) {
    const of = (name) => samples[name].map(({ cpu }) => (cpu / samples.size) * 2 ** 30);
    const ours = of('xfer');
    return peers
      .filter((name) => samples[name])
      .map((name) => {
        const theirs = of(name);
        const peer = { peer: spread(theirs), peerName: name, ...ratioOf(ours, theirs) };
        return { part: `beside ${name}`, unit: 's/GiB', ours: spread(ours), ...peer };
      });
  },
};
