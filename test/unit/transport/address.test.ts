import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../../src/transport/address.js';

const fallback = { scheme: 'tcp', port: (scheme: string) => (scheme === 'quic' ? 4841 : 4840) };
const parse = (text: string) => parseAddress(text, fallback);

describe('parseAddress', () => {
  it.each([
    ['alice', 'tcp', 'alice', 4840],
    ['alice:1', 'tcp', 'alice', 1],
    ['QUIC://alice', 'quic', 'alice', 4841],
    ['tcp://127.0.0.1:0/', 'tcp', '127.0.0.1', 0],
    ['[::1]', 'tcp', '::1', 4840],
    ['tcp://[fe80::1%eth0]:65535', 'tcp', 'fe80::1%eth0', 65_535],
  ])('reads %s', (text, scheme, host, port) => {
    expect(parse(text)).toEqual({ scheme, host, port });
    expect(parse(formatAddress(parse(text)))).toEqual({ scheme, host, port });
  });

  it.each([
    '',
    ':1',
    'a:b',
    'a:65536',
    'a:999999',
    '::1',
    '[::1',
    '[nonsense]:1',
    'tcp://',
    'a/b',
    'tcp://a:1:2',
  ])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'ERR_XFER_BAD_ADDRESS' }) as Error);
  });
});
