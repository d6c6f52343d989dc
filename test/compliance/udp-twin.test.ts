import { expect, it } from 'vitest';
import { udp } from '@xfer/udp';
import { transportCompliance } from 'xfer/compliance';
import { udpApi } from 'xfer/plugin';

// Asked at the first call, which no import makes; each test file has a process of its own.
process.env['XFER_NATIVE'] = 'off';

it('has sockets without the addon here', async () => {
  expect((await udpApi()).kind).toBe('typescript');
});

transportCompliance('udp without the addon', () => ({
  descriptor: udp(),
  listenAt: { scheme: 'udp', host: '127.0.0.1', port: 0 },
  nobodyAt: { scheme: 'udp', host: '127.0.0.1', port: 1 },
  // Sockets of Node that are not connected hear of no ICMP.
  nobodyCode: 'ERR_XFER_TIMEOUT',
}));
