import { spread } from './stats.mjs';
import { flood, ours } from './udp-senders.mjs';

/** Thousands a second. */
const wanted = 800;

/** Datagrams a second through the batch socket alone: several senders, one socket that receives and counts. */
export const udpBatchRow = {
  name: 'udp-batch',
  title: 'datagrams of 1232 bytes, batch socket',
  async measure({ smoke, runs }) {
    const values = [];
    for (let run = 0; run < runs; run++) {
      const options = { senders: 4, datagramBytes: 1232, seconds: smoke ? 0.2 : 3 };
      const { packets, seconds } = await flood(ours, options);
      values.push(packets / seconds / 1000);
    }
    const received = spread(values);
    return [
      {
        ...{ part: '4 senders, 1 receiver', unit: 'k/s', ours: received },
        ...{ peer: { median: wanted }, peerName: 'wanted', ratio: received.median / wanted },
        goal: { atLeast: 1 },
      },
    ];
  },
};
