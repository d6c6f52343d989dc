import { quic } from '@xfer/quic';
import { transportCompliance } from 'xfer/compliance';

transportCompliance('quic over IPv4', () => ({
  descriptor: quic(),
  listenAt: { scheme: 'quic', host: '127.0.0.1', port: 0 },
  nobodyAt: { scheme: 'quic', host: '127.0.0.1', port: 1 },
}));

transportCompliance('quic over IPv6', () => ({
  descriptor: quic(),
  listenAt: { scheme: 'quic', host: '::1', port: 0 },
  nobodyAt: { scheme: 'quic', host: '::1', port: 1 },
}));
