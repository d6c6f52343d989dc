import { expect, it } from 'vitest';
import { canonicalHost } from '../../../plugins/udp/src/canonical-host.js';

it.each([
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8::1', '2001:db8::1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::FFFF:7f00:1', '127.0.0.1'],
  ['fe80:0::1%eth0', 'fe80::1%eth0'],
  ['fe80::1%2', 'fe80::1%2'],
  ['192.0.2.1', '192.0.2.1'],
])('writes %s as %s', (given, text) => {
  expect(canonicalHost(given)).toBe(text);
});
