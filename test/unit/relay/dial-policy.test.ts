import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockOf, facesOf, type AddressClass } from '../../../src/relay/address-class.js';
import { DialPolicy, isDialPort, parseDialRules, type DialTrust } from '../../../src/relay/dial-policy.js';

const examples: Readonly<Record<AddressClass, readonly string[]>> = {
  public: ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::5'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fc00::1', 'fdff::1'],
  loopback: ['127.0.0.1', '127.255.0.3', '::1'],
  'link-local': ['169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
  metadata: [
    ...['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', '192.0.0.192'],
    ...['fd00:ec2::254', 'fd20:ce::254', 'fd00:42::42'],
  ],
  reserved: [
    ...['0.0.0.0', '0.1.2.3', '192.0.0.1', '192.0.2.1', '198.51.100.1', '203.0.113.1', '198.19.0.1'],
    ...['224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255', '192.88.99.1'],
    ...['::', 'ff02::1', 'fec0::1', '2001:db8::1', '3fff::1', '100::1', '64:ff9b:1::1', '4000::1', 'fe00::1'],
  ],
};
const rows = Object.entries(examples).flatMap(([name, list]) => list.map((ip) => [ip, name] as const));
const special = [...examples['link-local'], ...examples.metadata, ...examples.reserved];
const ordinary = [...examples.public, ...examples.private, ...examples.loopback];

const policy = (...rules: string[]) => new DialPolicy({ rules: parseDialRules(rules), loopbackOnly: false });
const isOpen = (rule: string, ip: string, trust: DialTrust = 'stranger') => policy(rule).allows(ip, trust);

/** One IPv4 address in all the IPv6 ones that hold it. */
const groups = (ip: string) => {
  const [a = 0, b = 0, c = 0, d = 0] = ip.split('.').map(Number);
  return [(a << 8) | b, (c << 8) | d] as const;
};
const wrapped = (ip: string): Record<string, string> => {
  const [high, low] = groups(ip);
  const [h, l] = [high.toString(16), low.toString(16)];
  return {
    mapped: `::ffff:${ip}`,
    'mapped, in hex': `::FFFF:${h}:${l}`,
    NAT64: `64:ff9b::${ip}`,
    '6to4': `2002:${h}:${l}::1`,
    Teredo: `2001:0:808:808:0:1:${(high ^ 0xffff).toString(16)}:${(low ^ 0xffff).toString(16)}`,
    compatible: `::${ip}`,
    translated: `::ffff:0:${h}:${l}`,
  };
};

describe('the class of an address', () => {
  it.each(rows)('of %s is %s', (ip, name) => {
    expect(blockOf(facesOf(ip)[0] ?? '').addressClass).toBe(name);
  });

  it('is there for every address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
        const faces = facesOf(ip);
        expect(faces.length).toBeGreaterThan(0);
        for (const face of faces) expect(blockOf(face).prefix).toBeLessThanOrEqual(128);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the policy of what may be dialled', () => {
  it('gives strangers nothing without a rule, and loopback where only loopback reaches the relay', () => {
    const closed = new DialPolicy({ loopbackOnly: false });
    const local = new DialPolicy({ loopbackOnly: true });
    for (const [ip, name] of rows) {
      expect(closed.allows(ip, 'stranger'), ip).toBe(false);
      expect(local.allows(ip, 'stranger'), ip).toBe(name === 'loopback');
    }
  });

  it('gives trusted peers what is ordinary, and nothing special', () => {
    for (const loopbackOnly of [true, false]) {
      const trusting = new DialPolicy({ loopbackOnly });
      for (const ip of ordinary) expect(trusting.allows(ip, 'trusted'), ip).toBe(true);
      for (const ip of special) expect(trusting.allows(ip, 'trusted'), ip).toBe(false);
    }
  });

  it.each(['public', 'private', 'loopback'] as const)('opens by the word %s that class alone', (word) => {
    for (const [ip, name] of rows) expect(isOpen(word, ip), ip).toBe(name === word);
  });

  it.each(['any', 'ANY'])('opens by the word %s what is ordinary', (word) => {
    for (const ip of ordinary) expect(isOpen(word, ip), ip).toBe(true);
    for (const ip of special) expect(isOpen(word, ip), ip).toBe(false);
  });

  it.each([
    ['10.1.0.0/16', '10.1.255.255', '10.2.0.0'],
    ['10.1.2.3/16', '10.1.0.1', '10.2.0.1'],
    ['192.0.2.7', '192.0.2.7', '192.0.2.8'],
    ['fe80::/10', 'fe80::5%eth0', '169.254.0.1'],
    ['169.254.0.0/16', '169.254.169.254', '10.0.0.1'],
    ['fd00:ec2::254', 'fd00:ec2::254', 'fd00:ec2::253'],
    ['100.100.100.200/32', '100.100.100.200', '100.100.100.201'],
    ['2001:db8::/32', '2001:db8:1::1', '2001:db9::1'],
    ['4000::/3', '5000::1', '6000::1'],
    ['224.0.0.0/4', '239.1.2.3', '240.0.0.1'],
    ['8.8.8.0/24', '8.8.8.8', '8.8.9.8'],
  ])('by %s opens %s and not %s', (rule, open, shut) => {
    for (const trust of ['stranger', 'trusted'] as const) expect(isOpen(rule, open, trust)).toBe(true);
    expect(isOpen(rule, shut)).toBe(false);
  });

  it.each([
    ...['0.0.0.0/0', '128.0.0.0/1', '168.0.0.0/6', '100.64.0.0/10', '169.0.0.0/8', '192.0.0.0/8'],
    ...['::/0', '8000::/1', 'fd00::/8', 'fc00::/7', 'f000::/4'],
  ])('opens by %s, which only happens to hold special addresses, none of them', (rule) => {
    for (const ip of special) expect(isOpen(rule, ip), ip).toBe(false);
    for (const ip of special) expect(isOpen(rule, ip, 'trusted'), ip).toBe(false);
  });

  it('judges an address that holds an IPv4 one by that', () => {
    for (const ip of special.filter((address) => !address.includes(':')))
      for (const [how, hidden] of Object.entries(wrapped(ip)))
        for (const trust of ['stranger', 'trusted'] as const)
          expect(isOpen('any', hidden, trust), `${how} ${hidden}`).toBe(false);
    for (const [how, hidden] of Object.entries(wrapped('10.0.0.1')))
      expect(isOpen('public', hidden), how).toBe(false);
    const open = Object.entries(wrapped('8.8.8.8')).filter(([, hidden]) => isOpen('public', hidden));
    expect(open.map(([how]) => how)).toEqual(['mapped', 'mapped, in hex', 'NAT64', '6to4', 'Teredo']);
    expect(isOpen('10.0.0.0/8', '::ffff:10.0.0.1')).toBe(true);
    // The gateway's network alone does not say what is behind it.
    expect(isOpen('64:ff9b::/96', '64:ff9b::10.0.0.1')).toBe(false);
    expect(policy('64:ff9b::/96', '10.0.0.1').allows('64:ff9b::10.0.0.1', 'stranger')).toBe(true);
  });

  it('never lets strangers through to an address that hides one they may not have', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.subarray(['public', 'private', 'loopback', '10.0.0.0/9']), (ip, rules) => {
        const of = policy(...rules);
        const plain = of.allows(ip, 'stranger');
        const { mapped = '', ...others } = wrapped(ip);
        expect(of.allows(mapped, 'stranger')).toBe(plain);
        for (const hidden of Object.values(others))
          expect(!plain && of.allows(hidden, 'stranger'), hidden).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '',
    'localhost',
    '10.1',
    '010.0.0.1',
    '0x7f.1',
    '2130706433',
    '1.2.3.4%a',
    '[::1]',
    '::1/128',
    '8.8.8.8 ',
  ])('refuses %j, which is no address', (text) => {
    expect(isOpen('any', text, 'trusted')).toBe(false);
  });

  it.each([
    ...[
      '',
      'anything',
      'link-local',
      'metadata',
      'constructor',
      '10.1',
      '10.0.0.0/33',
      '10.0.0.0/',
      '::/129',
    ],
    ...[
      '10.0.0.0/8/8',
      '/8',
      '10.0.0.0/-1',
      'fe80::1%eth0',
      '010.0.0.0/8',
      'example.com',
      '::ffff:10.0.0.0/104',
    ],
  ])('has no rule %j', (text) => {
    expect(() => parseDialRules(['public', text])).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_USAGE', exit: 2 }) as Error,
    );
  });

  it('dials every port but 0', () => {
    expect([0, 1, 65_535, 65_536, 1.5, NaN].map(isDialPort)).toEqual([
      false,
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
