import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../../src/app/events.js';
import { PvLine } from '../../../src/ui/pv-line.js';

const progress = (bytes: number, fill: { heldBytes?: number; windowBytes?: number } = {}): ProgressEvent => ({
  event: 'progress',
  bytes,
  total: 0,
  sent: bytes,
  files: 0,
  ...fill,
});

describe('the meter of a pipe', () => {
  it('shows total, rate, time and how full the window is', () => {
    const meter = new PvLine(0);
    meter.handleProgress(progress(5e8, { heldBytes: 32 * 2 ** 20, windowBytes: 64 * 2 ** 20 }));
    expect(meter.text(1000, 100)).toBe(
      `500 MB   500 MB/s  1.0 s   buffer ${'█'.repeat(10)}${'░'.repeat(10)}  50% of 67.1 MB`,
    );
  });

  it('says the same in a line for a log', () => {
    const meter = new PvLine(0);
    meter.handleProgress(progress(1e6, { heldBytes: 1, windowBytes: 4 }));
    expect(meter.line(2000)).toBe('1.00 MB  500 kB/s  2.0 s   buffer 25% of 4 B');
  });

  it('leaves out a window of which nothing was told', () => {
    const meter = new PvLine(0);
    meter.handleProgress(progress(1e6));
    expect(meter.text(1000, 80)).toBe('1.00 MB  1.00 MB/s 1.0 s ');
  });

  it('falls to nothing when the pipe stands still', () => {
    const meter = new PvLine(0);
    meter.handleProgress(progress(1e9));
    let text = '';
    for (let second = 1; second <= 60; second++) text = meter.text(second * 1000, 80);
    expect(text).toContain('1.00 GB  0 B/s ');
  });

  it('never goes back', () => {
    const meter = new PvLine(0);
    meter.handleProgress(progress(1000));
    meter.handleProgress(progress(900));
    expect(meter.text(1000, 80)).toContain('1.00 kB');
  });

  it('sums up with the rate of all of it', () => {
    const meter = new PvLine(1000);
    expect(meter.summary(1000)).toBe('0 B in 0.0 s');
    meter.handleProgress(progress(2e9));
    expect(meter.summary(5000)).toBe('2.00 GB in 4.0 s (500 MB/s)');
  });

  it('fits the columns, on one line, whatever the numbers', () => {
    const report = fc.tuple(fc.maxSafeNat(), fc.maxSafeNat(), fc.maxSafeNat(), fc.nat(100_000));
    fc.assert(
      fc.property(
        fc.array(report, { minLength: 1 }),
        fc.integer({ min: 1, max: 200 }),
        (reports, columns) => {
          const meter = new PvLine(0);
          let now = 0;
          for (const [bytes, heldBytes, windowBytes, later] of reports) {
            meter.handleProgress(progress(bytes, { heldBytes, windowBytes }));
            const text = meter.text((now += later), columns);
            expect(text.length).toBeLessThanOrEqual(columns);
            expect(text).not.toMatch(/\n|NaN|Infinity/);
          }
        },
      ),
    );
  });
});
