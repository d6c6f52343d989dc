import { rdma } from '@xfer/rdma';
import { transportCompliance } from 'xfer/compliance';
import { memoryFabric } from '../support/memory-fabric.js';

for (const provider of ['tcp', 'shm'])
  transportCompliance(`rdma+${provider} over a fabric in memory`, () => ({
    descriptor: rdma({ fabric: memoryFabric() }),
    listenAt: { scheme: `rdma+${provider}`, host: '127.0.0.1', port: 0 },
    nobodyAt: { scheme: `rdma+${provider}`, host: '127.0.0.1', port: 1 },
  }));

transportCompliance('rdma over a fabric in memory with the fewest and smallest buffers', () => ({
  descriptor: rdma({
    fabric: memoryFabric(),
    rdma: { smallCount: 4, smallBytes: 1024, largeCount: 2, largeBytes: 65_536, maxLargeSends: 1 },
  }),
  listenAt: { scheme: 'rdma', host: '127.0.0.1', port: 0 },
  nobodyAt: { scheme: 'rdma', host: '127.0.0.1', port: 1 },
}));
