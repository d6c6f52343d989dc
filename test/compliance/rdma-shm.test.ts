import { rdma } from '@xfer/rdma';
import { transportCompliance } from 'xfer/compliance';

transportCompliance('rdma over shm', () => ({
  descriptor: rdma(),
  listenAt: { scheme: 'rdma+shm', host: '127.0.0.1', port: 0 },
  nobodyAt: { scheme: 'rdma+shm', host: '127.0.0.1', port: 1 },
}));
