import { ratioOf, spread } from './stats.mjs';

/** Inside the transfer: which share of a bare sealed lane's rate is left, by the event `done` of the sender. */
export const laneRow = {
  name: 'lane',
  title: 'inside the transfer',
  needs: ['lane'],
  from({ xfer, lane }) {
    const ours = xfer.map(({ inside }) => inside);
    const bare = lane.map(({ inside }) => inside);
    const beside = { peer: spread(bare), peerName: 'bare lane' };
    return [{ unit: 'GB/s', ours: spread(ours), ...beside, ...ratioOf(ours, bare), goal: { atLeast: 1 } }];
  },
};
