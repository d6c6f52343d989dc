import { udp } from '@xfer/udp';
import { transportCompliance } from 'xfer/compliance';

transportCompliance('udp over IPv4', () => ({
  descriptor: udp(),
  listenAt: { scheme: 'udp', host: '127.0.0.1', port: 0 },
  nobodyAt: { scheme: 'udp', host: '127.0.0.1', port: 1 },
}));

transportCompliance('udp over IPv6', () => ({
  descriptor: udp(),
  listenAt: { scheme: 'udp', host: '::1', port: 0 },
  nobodyAt: { scheme: 'udp', host: '::1', port: 1 },
}));
