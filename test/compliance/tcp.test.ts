import { tcp } from '@xfer/mux';
import { transportCompliance } from 'xfer/compliance';

transportCompliance('tcp over IPv4', () => ({
  descriptor: tcp(),
  listenAt: { scheme: 'tcp', host: '127.0.0.1', port: 0 },
  nobodyAt: { scheme: 'tcp', host: '127.0.0.1', port: 1 },
}));

transportCompliance('tcp over IPv6', () => ({
  descriptor: tcp(),
  listenAt: { scheme: 'tcp', host: '::1', port: 0 },
  nobodyAt: { scheme: 'tcp', host: '::1', port: 1 },
}));
