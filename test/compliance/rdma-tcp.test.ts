import { rdma } from '@xfer/rdma';
import { transportCompliance } from 'xfer/compliance';

transportCompliance('rdma over tcp;ofi_rxm', () => ({
  descriptor: rdma(),
  listenAt: { scheme: 'rdma+tcp', host: '127.0.0.1', port: 0 },
  nobodyAt: { scheme: 'rdma+tcp', host: '127.0.0.1', port: 1 },
}));
