import { spread } from './stats.mjs';

/** Inside the transfer: which share of a bare sealed lane's rate is left, by the event `done` of the sender. */
export const laneRow = {
  name: 'lane',
  title: 'inside the transfer',
  needs: ['lane'],
  from({ xfer, lane }) {
    const ours = spread(xfer.map(({ inside }) => inside));
    const peer = spread(lane.map(({ inside }) => inside));
    return [
      {
        unit: 'GB/s',
        ours,
        peer,
        peerName: 'bare lane',
        ratio: ours.median / peer.median,
        goal: { atLeast: 0.8 },
      },
    ];
  },
};
