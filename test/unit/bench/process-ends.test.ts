import { expect, test } from 'vitest';
import { ProcessEnds } from '../../../src/bench/process-ends.js';
import { loopback } from '../../support/bench-setup.js';

test('what is left to xfer begins at the number that tcp has, whatever is listened on first', () => {
  const schemes = ['quic', 'udp', 'tcp'];
  const ends = new ProcessEnds(loopback('/nowhere'), { name: 'auto', schemes, isAuto: true });
  const addresses = ends.listen('::1');
  const portOf = (scheme: string) =>
    addresses.flatMap((one) => (one.startsWith(`${scheme}:`) ? one.split(':').slice(-1) : [])).map(Number)[0];
  expect(portOf('udp')).toBe(portOf('tcp'));
  expect(portOf('quic')).toBe(Number(portOf('tcp')) + 1);
  for (const address of addresses) expect(ends.target(address)).toBe(`[::1]:${portOf('tcp')}`);
});

test('one transport is dialled where it was told to listen', () => {
  const ends = new ProcessEnds(loopback('/nowhere'), { name: 'udp', schemes: ['udp'], isAuto: false });
  expect(ends.target('udp://127.0.0.1:9')).toBe('udp://127.0.0.1:9');
});
