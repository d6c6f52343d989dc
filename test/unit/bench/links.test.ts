import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linkProfiles, parseLink } from '../../../src/bench/links.js';

describe('a link', () => {
  it.each([
    ['100mbit,20ms,0.1%', { bitsPerSecond: 100e6, delayMs: 20, lossShare: 0.001 }],
    ['1gbit,250us,0', { bitsPerSecond: 1e9, delayMs: 0.25, lossShare: 0 }],
    ['50Mbit/s, 0.5ms, 2.5%', { bitsPerSecond: 50e6, delayMs: 0.5, lossShare: 0.025 }],
    ['10MB/s,1s,0%', { bitsPerSecond: 80e6, delayMs: 1000, lossShare: 0 }],
    ['max,0,0', { delayMs: 0, lossShare: 0 }],
    ['max,1ms,0,1MiB', { delayMs: 1, lossShare: 0, queueBytes: 2 ** 20 }],
    ['100mbit,20ms,0,256KiB', { bitsPerSecond: 100e6, delayMs: 20, lossShare: 0, queueBytes: 262_144 }],
    ['100mbit,20ms,0,50ms', { bitsPerSecond: 100e6, delayMs: 20, lossShare: 0, queueBytes: 625_000 }],
  ])('is read from %j', (text, expected) => {
    expect(parseLink(text, 7)).toEqual({ name: null, seed: 7, ...expected });
  });

  it.each([
    ['', 'not a link'],
    ['wan', 'not a link'],
    ['toString', 'not a link'],
    ['100mbit', 'not a link'],
    ['100mbit,20ms', 'not a link'],
    ['100mbit,20ms,0,1MiB,1', 'not a link'],
    ['fast,20ms,0', 'not a rate'],
    ['100,20ms,0', 'not a rate'],
    ['0mbit,20ms,0', 'the rate of a link is from 8kbit to 100gbit'],
    ['101gbit,20ms,0', 'the rate of a link is from 8kbit to 100gbit'],
    ['1gbit,20,0', 'not a delay'],
    ['1gbit,-1ms,0', 'not a delay'],
    ['1gbit,11s,0', 'at most 10000 ms'],
    ['1gbit,1ms,0.01', 'not a loss'],
    ['1gbit,1ms,100%', 'carries nothing'],
    ['1gbit,1ms,0,1499', 'has from 1500 to'],
    ['1gbit,1ms,0,0', 'has from 1500 to'],
    ['1gbit,1ms,0,2GiB', 'has from 1500 to'],
    ['max,1ms,0,5ms', 'with max give its bytes'],
    ['1gbit,1ms,0,lots', 'not a size'],
  ])('is not read from %j', (text, reason) => {
    expect(() => parseLink(text)).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_USAGE', message: expect.stringContaining(reason) as string }),
    );
  });

  it.each(['wan', '1gbit,5,0', 'fast,1ms,0', '1gbit,1ms,0,lots'])(
    'is told what to write in the place of %j, with the names that there are',
    (text) => {
      const thrown = thrownBy(() => parseLink(text));
      expect(thrown).toMatchObject({
        remedy: expect.stringMatching(/RATE,DELAY,LOSS\[,QUEUE\].*transatlantic/) as string,
      });
    },
  );

  it.each([-1, 0.5, 2 ** 32, NaN])('has no seed %j', (seed) => {
    expect(() => parseLink('lan', seed)).toThrow(/the seed must be/);
  });

  it('has profiles that could be written out, and those of the issue', () => {
    expect(Object.keys(linkProfiles)).toEqual(['lan', 'metro', 'transatlantic', 'lte', 'satellite', 'lossy']);
    for (const [name, { bitsPerSecond, delayMs, lossShare }] of Object.entries(linkProfiles)) {
      const written = parseLink(`${String(bitsPerSecond)}bit,${delayMs}ms,${lossShare * 100}%`);
      expect(parseLink(name)).toMatchObject({ name, bitsPerSecond, delayMs, seed: 1 });
      expect(written).toMatchObject({ bitsPerSecond, delayMs });
      expect(written.lossShare).toBeCloseTo(lossShare, 12);
    }
    expect(parseLink('satellite').back?.bitsPerSecond).toBe(50e6);
  });

  it('is a link or a usage error, whatever is written', () => {
    const word = fc.oneof(
      fc.constantFrom('max', '1gbit', '10mbit', '5ms', '0', '1%', '64KiB', '1e9', '-1', 'NaN'),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        const thrown = thrownBy(() => {
          const { bitsPerSecond = 1, delayMs, lossShare, queueBytes = 1 } = parseLink(words.join(','));
          const values = [bitsPerSecond, delayMs, lossShare, queueBytes];
          expect(values.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
        });
        if (thrown !== undefined) expect(thrown).toMatchObject({ code: 'ERR_XFER_USAGE' });
      }),
    );
  });
});

function thrownBy(action: () => void): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}
