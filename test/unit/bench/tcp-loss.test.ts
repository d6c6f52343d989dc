import { expect, test } from 'vitest';
import { readSegments, TcpLoss, tcpSegments } from '../../../src/bench/tcp-loss.js';

const table = [
  'Ip: Forwarding DefaultTTL',
  'Ip: 2 64',
  'Tcp: RtoAlgorithm MaxConn InSegs OutSegs RetransSegs InErrs',
  'Tcp: 1 -1 500 900 100 0',
  'Udp: InDatagrams OutDatagrams',
  'Udp: 7 7',
].join('\n');

test('what a network sent again is read beside what it sent, and nothing of what is no such table', () => {
  expect(readSegments(table)).toEqual({ sent: 1000, again: 100 });
  for (const text of ['', 'Tcp: OutSegs', table.replace('RetransSegs', 'Other'), table.replace(' 900', ' x')])
    expect(readSegments(text)).toBeUndefined();
  expect(tcpSegments(2 ** 30)).toBeUndefined();
});

test.runIf(process.platform === 'linux')('the kernel tells of the network of this process', () => {
  expect(tcpSegments('self')?.sent).toBeGreaterThanOrEqual(0);
});

test('the share is of what went since the first look at each network', () => {
  const now = new Map([
    [1, { sent: 1000, again: 500 }],
    [2, { sent: 10, again: 0 }],
  ]);
  const loss = new TcpLoss((pid) => now.get(Number(pid)));
  expect(loss.share).toBeUndefined();
  for (const pid of [1, 2, 3]) loss.look(pid);
  expect(loss.share).toBeUndefined();
  now.set(1, { sent: 1090, again: 502 });
  now.set(2, { sent: 20, again: 1 });
  for (const pid of [1, 2]) loss.look(pid);
  expect(loss.share).toBe(0.03);
  // Who has gone tells no more: the last of it counts.
  now.clear();
  loss.look(1);
  expect(loss.share).toBe(0.03);
});
