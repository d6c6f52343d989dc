import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipv6Groups, mappedIpv4 } from '../../../src/transport/ipv6-groups.js';

const hex = (address: string) =>
  ipv6Groups(address)
    ?.map((group) => group.toString(16))
    .join(':');

describe('the groups of an IPv6 address', () => {
  it.each([
    ['::', '0:0:0:0:0:0:0:0'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
    ['2001:DB8::8:800:200c:417a', '2001:db8:0:0:8:800:200c:417a'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['::ffff:255.0.0.1', '0:0:0:0:0:ffff:ff00:1'],
  ])('of %s are %s', (address, groups) => {
    expect(hex(address)).toBe(groups);
  });

  it.each([
    '',
    '1.2.3.4',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    'g::',
  ])('of %j are none', (address) => {
    expect(ipv6Groups(address)).toBeUndefined();
  });

  it('are there for whatever net.isIPv6 takes, and for nothing else', () => {
    const part = fc.constantFrom(
      ':',
      '::',
      '0',
      'ffff',
      '12345',
      'g',
      '1.2.3.4',
      '1.2.3',
      '256.1.1.1',
      '010.1.1.1',
      '%',
      'eth0',
      '.',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(part, { maxLength: 20 }).map((parts) => parts.join('')),
          fc.ipV6(),
        ),
        (text) => {
          const plain = text.split('%')[0] ?? '';
          expect(ipv6Groups(plain) !== undefined).toBe(isIPv6(plain));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('are the same however an address is written', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
        const text = groups.map((group) => group.toString(16)).join(':');
        const short = new URL(`http://[${text}]/`).hostname.slice(1, -1);
        expect([ipv6Groups(text), ipv6Groups(short)]).toEqual([groups, groups]);
      }),
    );
  });

  it('hold an IPv4 address where it is mapped, and only there', () => {
    const mapped = (address: string) => mappedIpv4(ipv6Groups(address) ?? []);
    expect(mapped('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(mapped('::ffff:7f00:1')).toBe('127.0.0.1');
    for (const address of ['::192.0.2.7', '::fffe:192.0.2.7', '1::ffff:192.0.2.7'])
      expect(mapped(address)).toBeUndefined();
  });
});
