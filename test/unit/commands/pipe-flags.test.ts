import { describe, expect, it } from 'vitest';
import type { PipePlace } from '../../../src/app/pipe-options.js';
import { pipeFlagOptions } from '../../../src/commands/pipe-flags.js';
import { pipeDefaults } from '../../../src/config/index.js';

const stdio: PipePlace = { kind: 'stdio' };
const host = (target: string): PipePlace => ({ kind: 'target', target });
const one = { from: [stdio], to: [host('a')] };
const two = { from: [stdio], to: [host('a'), host('b')] };

const given = {
  duplex: false,
  fork: false,
  frame: undefined,
  balance: false,
  slow: undefined,
  window: '64MiB',
  'no-delay': false,
  name: undefined,
  allow: undefined,
  via: undefined,
  peer: undefined,
  transport: ['auto'],
  explain: false,
  lanes: 'auto',
  compress: 'auto',
} as const;

describe('the flags of a pipe', () => {
  it('are the defaults where none is given', () => {
    const { windowBytes } = pipeDefaults;
    expect(pipeFlagOptions(given, one)).toEqual({
      ...one,
      ...{ duplex: false, fork: false, balance: false, explain: false, compress: 'auto' },
      ...{ windowBytes, noDelay: false, via: [] },
    });
  });

  it('reach the application', () => {
    const flags = { ...given, frame: 'lines', slow: 'drop', name: 'n', allow: ['p'], peer: 'q' } as const;
    expect(pipeFlagOptions({ ...flags, lanes: '4', transport: ['udp'], via: ['r'] }, two)).toMatchObject({
      ...{ framing: 'lines', slow: 'drop', name: 'n', allow: ['p'], peer: 'q' },
      ...{ lanes: 4, use: ['udp'], via: ['r'] },
    });
  });

  it.each(['2MiB', '1GiB'])('take a window of %s', (window) => {
    expect(pipeFlagOptions({ ...given, window }, one).windowBytes).toBeGreaterThan(0);
  });

  it.each([
    ['a window too small for two records', { window: '1MiB' }, 'a window has 2MiB to 1024MiB'],
    ['a window past all memory', { window: '2GiB' }, 'a window has 2MiB to 1024MiB'],
    ['a window that is no size', { window: 'big' }, 'not a size'],
    ['--balance with one destination', { balance: true }, '--balance is for several'],
    ['--slow with one destination', { slow: 'drop' }, '--slow is for several'],
    ['--fork where nobody can come', { fork: true }, '--fork is for a place that others come to'],
  ] as const)('refuse %s', (_, flags, told) => {
    expect(() => pipeFlagOptions({ ...given, ...flags }, one)).toThrow(told);
  });

  it('let whoever comes have a stream of its own', () => {
    const from: PipePlace[] = [{ kind: 'endpoint', url: 'tcp-listen:0' }];
    expect(pipeFlagOptions({ ...given, fork: true }, { from, to: [host('a')] }).fork).toBe(true);
  });
});
