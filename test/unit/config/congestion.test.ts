import { describe, expect, it } from 'vitest';
import { parseCongestion } from '../../../src/config/congestion.js';

describe('--cc', () => {
  it.each(['bbr', 'cubic', 'ledbat'])('takes %s', (name) => {
    expect(parseCongestion(name)).toBe(name);
  });

  it('takes a rate in any unit, and gives it in bytes a second', () => {
    expect(parseCongestion('fixed:80mbit')).toBe('fixed:80mbit');
    expect(parseCongestion('fixed:1MiB/s')).toBe('fixed:1MiB/s');
  });

  it.each([
    '',
    'BBR',
    'reno',
    'fixed',
    'fixed:',
    'fixed:0MB/s',
    'fixed:10',
    'fixed:-1MB/s',
    'bbr ',
    'fixed:80mbit:',
  ])('does not take %j', (text) => {
    expect(() => parseCongestion(text)).toThrow(expect.objectContaining({ code: 'ERR_XFER_USAGE' }));
  });
});
