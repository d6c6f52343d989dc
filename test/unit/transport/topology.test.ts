import { describe, expect, it } from 'vitest';
import { guessedRate, guesses, topologyOf } from '../../../src/transport/topology.js';

const own = [
  { address: '127.0.0.1', cidr: '127.0.0.1/8' },
  { address: '192.168.7.20', cidr: '192.168.7.20/24' },
  { address: '203.0.113.9', cidr: '203.0.113.9/28' },
  { address: 'fe80::1', cidr: 'fe80::1/64' },
  { address: '2001:db8:7::5', cidr: '2001:db8:7::5/64' },
  { address: '198.51.100.1', cidr: null },
];

describe('topologyOf', () => {
  it.each([
    ['127.0.0.1', 'same-host'],
    ['127.44.0.1', 'same-host'],
    ['::1', 'same-host'],
    ['192.168.7.20', 'same-host'],
    ['198.51.100.1', 'same-host'],
    ['::ffff:192.168.7.20', 'same-host'],
    ['192.168.7.21', 'same-subnet'],
    ['203.0.113.3', 'same-subnet'],
    ['2001:db8:7::6', 'same-subnet'],
    ['fe80::2%eth0', 'same-subnet'],
    ['192.168.8.21', 'same-site'],
    ['10.1.2.3', 'same-site'],
    ['100.64.3.3', 'same-site'],
    ['fd00::1', 'same-site'],
    ['203.0.113.44', 'wide-area'],
    ['2001:db8:8::6', 'wide-area'],
    ['files.example', 'wide-area'],
    ['', 'wide-area'],
  ])('%s is %s', (remote, expected) => expect(topologyOf(remote, own)).toBe(expected));

  it('a machine without a network knows itself still', () =>
    expect(topologyOf('127.0.0.1', [])).toBe('same-host'));
});

describe('guesses', () => {
  const best = (topology: keyof typeof guesses, schemes: readonly string[]) =>
    schemes.toSorted((a, b) => guessedRate(guesses[topology], b) - guessedRate(guesses[topology], a))[0];

  it('near by rdma goes first, then tcp, which costs the least processor time', () => {
    expect(best('same-subnet', ['udp', 'tcp', 'rdma', 'quic'])).toBe('rdma');
    expect(best('same-subnet', ['udp', 'tcp', 'quic'])).toBe('tcp');
    expect(best('same-host', ['udp', 'tcp', 'quic'])).toBe('tcp');
  });

  it('far away it is udp, which no lost packet slows down', () =>
    expect(best('wide-area', ['tcp', 'ws', 'quic', 'udp'])).toBe('udp'));

  it("a stranger's transport comes behind those that are known", () =>
    expect(guessedRate(guesses['same-site'], 'carrier-pigeon')).toBe(guesses['same-site'].otherRate));
  it('expects of a pinned provider what its transport reaches', () =>
    expect(guessedRate(guesses['same-host'], 'rdma+shm')).toBe(guessedRate(guesses['same-host'], 'rdma')));
});
