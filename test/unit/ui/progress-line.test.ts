import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../../src/app/events.js';
import { ProgressLine } from '../../../src/ui/progress-line.js';

const progress = (bytes: number, total: number): ProgressEvent => ({
  event: 'progress',
  bytes,
  total,
  sent: bytes,
  files: 1,
});

describe('the line of progress', () => {
  it('shows bar, share, bytes, rate and time left', () => {
    const line = new ProgressLine(0);
    line.text(progress(0, 1e9), 0, 80);
    expect(line.text(progress(5e8, 1e9), 1000, 80)).toBe(
      `${'█'.repeat(15)}${'░'.repeat(15)}   50%  500 MB of 1.00 GB  500 MB/s  1.0 s left`,
    );
  });

  it('counts nothing as rate that was there before', () => {
    const line = new ProgressLine(0);
    line.text(progress(9e8, 1e9), 0, 80);
    expect(line.text(progress(9.01e8, 1e9), 1000, 80)).toContain('1.00 MB/s');
  });

  it('shows no rate and no time where nothing was measured', () => {
    expect(new ProgressLine(0).text(progress(0, 0), 0, 80)).toMatch(/ {3}0% {2}0 B of 0 B$/);
  });

  it('fits the columns, on one line, whatever the numbers', () => {
    const number = fc.maxSafeNat();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(number, number, fc.nat(100_000)), { minLength: 1 }),
        fc.integer({ min: 1, max: 200 }),
        (reports, columns) => {
          const line = new ProgressLine(0);
          let now = 0;
          for (const [bytes, total, later] of reports) {
            const text = line.text(progress(bytes, total), (now += later), columns);
            expect(text.length).toBeLessThanOrEqual(columns);
            expect(text).not.toMatch(/\n|NaN|Infinity/);
          }
        },
      ),
    );
  });
});
