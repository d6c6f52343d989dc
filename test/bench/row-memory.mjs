import { spread } from './stats.mjs';

const mostMegabytes = 200;

/** The highest resident size of either side in the same runs; every run has to stay below, not the median. */
export const memoryRow = {
  name: 'memory',
  title: 'peak memory',
  needs: [],
  from({ xfer }) {
    return ['sender', 'receiver'].map((side) => {
      const ours = spread(xfer.map((run) => run[`${side}Peak`]));
      if (ours.min === 0) return { part: side, unit: 'MB', ours, skipped: 'ended before /proc was read' };
      const peer = { median: mostMegabytes, min: mostMegabytes, max: mostMegabytes };
      return {
        part: side,
        unit: 'MB',
        ours,
        peer,
        peerName: 'limit',
        ratio: ours.max / mostMegabytes,
        goal: { atMost: 1 },
      };
    });
  },
};
