import { describe, expect, it } from 'vitest';
import { SimLink, type LinkShape } from './udp-link.js';
import { SimPacket } from './udp-packet.js';
import { VirtualClock } from './virtual-clock.js';

interface Arrival {
  readonly number: number;
  readonly at: number;
  readonly isMarked: boolean;
}

/** Sends so many packets of 972 bytes, 1000 on the wire, `everyMs` apart, and tells what arrives. */
function run(
  shape: Partial<LinkShape>,
  count: number,
  { everyMs = 0, seed = 1, blackMs = 0 } = {},
): Arrival[] {
  const clock = new VirtualClock();
  const link = new SimLink(clock, seed, shape);
  const arrivals: Arrival[] = [];
  link.deliver = ({ number, isMarked }) => arrivals.push({ number, at: clock.now, isMarked });
  for (let number = 0; number < count; number++)
    clock.after(number * everyMs, () => {
      link.send(Object.assign(new SimPacket(), { number, datagramBytes: 972 }));
    });
  link.black(blackMs);
  while (clock.step());
  return arrivals;
}

const numbersOf = (arrivals: readonly Arrival[]): number[] => arrivals.map(({ number }) => number);
const isSorted = (numbers: readonly number[]): boolean =>
  numbers.every((number, at) => at === 0 || number >= (numbers[at - 1] ?? 0));

describe('a simulated link', () => {
  it('brings all in order after its delay', () => {
    const arrivals = run({ delayMs: 25 }, 50);
    expect(numbersOf(arrivals)).toEqual(Array.from({ length: 50 }, (_, number) => number));
    expect(arrivals.every(({ at }) => at === 25)).toBe(true);
  });

  it('loses about as many as it should', () => {
    const lost = 1 - run({ loss: 0.05 }, 20_000).length / 20_000;
    expect(lost).toBeGreaterThan(0.045);
    expect(lost).toBeLessThan(0.055);
  });

  it('loses in bursts', () => {
    const came = new Set(
      numbersOf(run({ burst: { enter: 0.01, leave: 0.1, loss: 1, mostMs: 1_000 } }, 20_000)),
    );
    let bursts = 0;
    for (let number = 1; number < 20_000; number++) if (!came.has(number) && came.has(number - 1)) bursts++;
    const lost = 20_000 - came.size;
    expect(lost / 20_000).toBeGreaterThan(0.06);
    expect(lost / bursts).toBeGreaterThan(7);
    expect(lost / bursts).toBeLessThan(14);
  });

  it('has a rate, a queue that drops what does not fit, and marks above a threshold', () => {
    const shape = { delayMs: 10, rate: 1_000, queueBytes: 20_000, markAboveBytes: 5_000 };
    const arrivals = run(shape, 100);
    expect(numbersOf(arrivals)).toEqual(Array.from({ length: 20 }, (_, number) => number));
    expect(arrivals.map(({ at }) => Math.round(at))).toEqual(
      Array.from({ length: 20 }, (_, number) => 11 + number),
    );
    expect(arrivals.filter(({ isMarked }) => isMarked)[0]?.number).toBe(6);
  });

  it('keeps order through jitter', () => {
    const arrivals = run({ delayMs: 10, jitterMs: 20 }, 1_000, { everyMs: 0.1 });
    expect(arrivals).toHaveLength(1_000);
    expect(isSorted(numbersOf(arrivals))).toBe(true);
    expect(new Set(arrivals.map(({ at }) => at)).size).toBeGreaterThan(5);
  });

  it('lets packets overtake others and come twice, where asked to', () => {
    const overtaken = numbersOf(run({ reorder: 0.2, reorderMs: 5 }, 1_000, { everyMs: 0.1 }));
    expect(isSorted(overtaken)).toBe(false);
    expect(new Set(overtaken).size).toBe(1_000);
    const doubled = numbersOf(run({ duplicate: 0.1 }, 1_000));
    expect(new Set(doubled).size).toBe(1_000);
    expect(doubled.length).toBeGreaterThan(1_070);
  });

  it('loses in silence what is too long, and all while it is down', () => {
    expect(run({ mtuBytes: 971 }, 10)).toEqual([]);
    expect(run({ mtuBytes: 972 }, 10)).toHaveLength(10);
    const arrivals = run({}, 100, { everyMs: 1, blackMs: 50 });
    expect(numbersOf(arrivals)[0]).toBe(50);
  });

  it('does the same with the same seed', () => {
    const shape = { loss: 0.1, jitterMs: 5, reorder: 0.1, reorderMs: 10, duplicate: 0.1 };
    expect(run(shape, 500, { seed: 7 })).toEqual(run(shape, 500, { seed: 7 }));
    expect(run(shape, 500, { seed: 7 })).not.toEqual(run(shape, 500, { seed: 8 }));
  });
});
