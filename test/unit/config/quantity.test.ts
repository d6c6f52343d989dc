import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatDuration,
  formatRate,
  formatSize,
  parseDuration,
  parsePercent,
  parseRate,
  parseSize,
} from '../../../src/config/quantity.js';

const code = 'ERR_XFER_USAGE';

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['256MiB', 256 * 2 ** 20],
    ['1GB', 1e9],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['64kB', 64_000],
    ['12B', 12],
  ])('reads %s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(['', 'MiB', '-1', '1e3', '5Mb', '5mb', '5 apples', '0x10', '9999999TB', '1..2', '1 2'])(
    'refuses %j with an example',
    (text) => expect(() => parseSize(text)).toThrow(expect.objectContaining({ code })),
  );

  it('reads back every whole number of bytes', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseSize(String(bytes)) === bytes));
  });
});

describe('rates', () => {
  it.each([
    ['400MB/s', 400e6],
    ['80mbit', 10e6],
    ['80Mbit/s', 10e6],
    ['1gbit', 125e6],
    ['64KiB/s', 65_536],
  ])('reads %s', (text, rate) => expect(parseRate(text)).toBe(rate));

  it.each(['400', '400MB', '80Mb/s', 'mbit', 'fast', '/s', '-1mbit'])('refuses %j', (text) =>
    expect(() => parseRate(text)).toThrow(expect.objectContaining({ code })),
  );
});

describe('percentages', () => {
  it.each([
    ['10%', 0.1],
    ['10', 0.1],
    ['2.5 %', 0.025],
    ['0.1%', 0.001],
    ['1', 0.01],
  ])('reads %s', (text, share) => expect(parsePercent(text)).toBeCloseTo(share, 12));

  it.each(['0', '100%', '-1%', 'ten', '10%%', ''])('refuses %j', (text) =>
    expect(() => parsePercent(text)).toThrow(expect.objectContaining({ code })),
  );

  it('refuses what may be a share or per cent, and says how to write each', () => {
    const remedy = 'write 10% for the share 0.1, or 0.1%';
    expect(() => parsePercent('0.1')).toThrow(expect.objectContaining({ code, remedy }));
    expect(() => parsePercent('0.07')).toThrow(
      expect.objectContaining({ remedy: 'write 7% for the share 0.07, or 0.07%' }),
    );
  });
});

describe('durations', () => {
  it.each([
    ['0', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ])('reads %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['30', 's', '-1s', '25days', '1000h', 'soon'])('refuses %j', (text) =>
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code })),
  );
});

describe('for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [1_073_741_824, '1.07 GB'],
    [12_345_678, '12.3 MB'],
    [999_999, '1.00 MB'],
    [999_400, '999 kB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));

  it('writes rates and durations', () => {
    expect(formatRate(1.19e9)).toBe('1.19 GB/s');
    expect([0.94, 42.2, 185, 7800].map(formatDuration)).toEqual(['0.9 s', '42 s', '3 min 5 s', '2 h 10 min']);
  });

  it('writes every size in ten characters at most', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => formatSize(bytes).length <= 10));
  });
});
