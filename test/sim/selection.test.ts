import { describe, expect, it } from 'vitest';
import { guesses, type Guess } from '../../src/transport/topology.js';
import { FuzzRandom } from '../support/fuzz-random.js';
import {
  dialRoundTrips,
  SelectionWorld,
  type PathState,
  type SimCase,
  type SimEnd,
  type SimWay,
} from './selection-world.js';

/** Bytes a millisecond. */
const MB = 1_000;
const GiB = 2 ** 30;

type Shape = Partial<Omit<SimWay, 'state'>>;
const way = (scheme: string, state: (now: number) => PathState, shape: Shape = {}): SimWay => ({
  ...{ scheme, link: 'one', control: scheme === 'tcp' ? 'loss' : 'rate', cpu: 0, state, ...shape },
});
const always = (state: PathState) => () => state;

/** Who was thought to be the fastest is now the slowest. */
function inverted(guess: Guess): Guess {
  const names = Object.entries(guess.rates).sort(([, a], [, b]) => a - b);
  const rates = names.map(([, rate]) => rate).reverse();
  return { ...guess, rates: Object.fromEntries(names.map(([name], index) => [name, rates[index] ?? 0])) };
}

const run = (simCase: SimCase): SimEnd => new SelectionWorld(simCase, true).run();
const aloneOn = (simCase: SimCase, one: SimWay): number =>
  new SelectionWorld({ ...simCase, ways: [one] }, false).run().ms;

/** Holds a case to what was promised; `at` is told where it fails. */
function expectKept(simCase: SimCase, about: string, patienceMs = 300): SimEnd {
  const end = run(simCase);
  const singles = new Map(simCase.ways.map((one) => [one.scheme, aloneOn(simCase, one)]));
  const best = Math.min(...singles.values());
  const told = `${about}: ${end.ms} ms, alone ${JSON.stringify([...singles])}\n${shown(end)}`;
  // What is over within a second is not worth a second connection.
  const least = Math.min(singles.get('tcp') ?? 0, shortMs);
  expect(end.ms, told).toBeLessThanOrEqual(Math.max(1.1 * best + patienceMs, least));
  expect(end.ms, told).toBeLessThanOrEqual(1.05 * (singles.get('tcp') ?? Infinity) + stepsMs);
  return end;
}

/** What the model itself is exact to. */
const stepsMs = 20;
const shortMs = 1_000;
const shown = ({ decisions }: SimEnd) =>
  decisions
    .map(
      ({ at, what, way: to, reason, numbers }) => `${at} ${what} ${to}: ${reason} ${JSON.stringify(numbers)}`,
    )
    .join('\n');

const carriedMost = ({ carried }: SimEnd) => [...carried].sort((a, b) => b[1] - a[1])[0]?.[0];

const lan = { guess: guesses['same-subnet'], isFar: false };
const far = { guess: guesses['wide-area'], isFar: true };
const cleanLan: SimCase = {
  ...lan,
  bytes: 32 * GiB,
  ways: [
    way('tcp', always({ capacity: 3_000 * MB, rttMs: 1 }), { cpu: 1 / (1_000 * MB) }),
    way('udp', always({ capacity: 3_000 * MB, rttMs: 1 }), { cpu: 1 / (500 * MB) }),
    way('quic', always({ capacity: 3_000 * MB, rttMs: 1 }), { cpu: 1 / (300 * MB) }),
  ],
};
const lossy: SimCase = {
  ...far,
  bytes: 50_000_000,
  ways: [
    way('tcp', always({ capacity: 25 * MB, rttMs: 100, loss: 0.01 })),
    way('udp', always({ capacity: 25 * MB, rttMs: 100, loss: 0.01 })),
    way('quic', always({ capacity: 25 * MB, rttMs: 100, loss: 0.01 }), { control: 'loss' }),
  ],
};
const blocked: SimCase = {
  ...far,
  bytes: 200_000_000,
  ways: [
    way('tcp', always({ capacity: 50 * MB, rttMs: 40 })),
    way('udp', always({ capacity: 50 * MB, rttMs: 40, isCut: true })),
  ],
};
const throttled: SimCase = {
  ...{ guess: guesses['same-site'], isFar: false },
  bytes: 200_000_000,
  ways: [
    way('tcp', always({ capacity: 1 * MB, rttMs: 5 }), { link: 'throttled' }),
    way('udp', always({ capacity: 100 * MB, rttMs: 5 })),
  ],
};
const changing = (at: number): SimCase => ({
  ...far,
  bytes: 400_000_000,
  ways: [
    way('tcp', always({ capacity: 20 * MB, rttMs: 40 }), { link: 'tcp' }),
    way('udp', (now) => ({ capacity: 40 * MB, rttMs: 40, isCut: now >= at }), { link: 'udp' }),
  ],
});

describe('selection, on links that are fluids', () => {
  it.each([4_096, 1_000_000, 100_000_000, GiB, 4 * GiB, 32 * GiB])(
    'clean LAN, %d bytes: stays with tcp, and loses no time over it',
    (bytes) => {
      const end = expectKept({ ...cleanLan, bytes }, 'clean LAN');
      expect(carriedMost(end)).toBe('tcp');
      if (bytes <= GiB) expect(end.decisions.filter(({ what }) => what === 'dial')).toEqual([]);
    },
  );

  it('100 ms with 1 % loss: goes over to udp at once', () => {
    const end = expectKept(lossy, 'lossy');
    expect(end.preferred).toBe('udp');
  });

  it.each([100_000, 1_000_000, 5_000_000, 20_000_000])('100 ms with a hundredth lost, %d bytes', (bytes) => {
    const end = run({ ...lossy, bytes });
    const [tcp, udp] = lossy.ways.map((one) => aloneOn({ ...lossy, bytes }, one));
    expect(end.ms, shown(end)).toBeLessThanOrEqual((tcp ?? 0) * 1.05);
    expect(end.ms, shown(end)).toBeLessThanOrEqual(1.1 * Math.min(tcp ?? 0, udp ?? 0) + 700);
  });

  it('udp blocked: tcp goes on as if nothing was', () => {
    const end = expectKept(blocked, 'blocked');
    expect(end.preferred).toBe('tcp');
  });

  it('tcp throttled: udp wins', () => {
    const end = expectKept(throttled, 'throttled');
    expect(end.preferred).toBe('udp');
  });

  it.each([500, 1_700, 3_000, 5_000, 7_000])('the faster way is cut after %d ms: the other goes on', (at) => {
    const end = run(changing(at));
    expect(end.stallMs, shown(end)).toBeLessThanOrEqual(2_000);
    expect(end.preferred).toBe('tcp');
  });

  it('a way that becomes slow is left', () => {
    const end = run({
      ...far,
      bytes: 800_000_000,
      ways: [
        way('tcp', always({ capacity: 20 * MB, rttMs: 40 }), { link: 'tcp' }),
        way('udp', (now) => ({ capacity: now < 6_000 ? 60 * MB : 1 * MB, rttMs: 40 }), { link: 'udp' }),
      ],
    });
    expect(end.preferred, shown(end)).toBe('tcp');
    expect(end.ms).toBeLessThan(6_000 + (800_000_000 - 6_000 * 40 * MB) / (20 * MB));
  });

  it('a path that becomes long and lossy costs no more than the best that bears it, whenever that is', () => {
    for (let at = 600; at <= 4_000; at += 100) {
      const state = (now: number): PathState =>
        now < at ? { capacity: 25 * MB, rttMs: 10 } : { capacity: 25 * MB, rttMs: 100, loss: 0.01 };
      const simCase: SimCase = {
        ...{ bytes: 200_000_000, guess: guesses['same-site'], farGuess: guesses['wide-area'], isFar: false },
        ways: [way('tcp', state), way('udp', state), way('quic', state, { control: 'loss' })],
      };
      const [end, best] = [run(simCase), aloneOn(simCase, way('udp', state))];
      expect(end.ms, `after ${at} ms\n${shown(end)}`).toBeLessThanOrEqual(1.1 * best + 300);
    }
  });

  it.each([
    ['clean LAN', { ...cleanLan, bytes: 128 * GiB }],
    ['100 ms with 1 % loss', { ...lossy, bytes: 1_000_000_000 }],
    ['udp blocked', blocked],
    ['tcp throttled', throttled],
    ['changing', changing(5_000)],
  ])('%s: with the table of guesses inverted the same wins', (name, simCase) => {
    const [end, other] = [run(simCase), run({ ...simCase, guess: inverted(simCase.guess) })];
    expect(other.preferred, `${name}\n${shown(end)}\n---\n${shown(other)}`).toBe(end.preferred);
  });

  it('random ways: within the bounds, however they are guessed', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = new FuzzRandom(seed);
      const rttMs = random.pick([1, 5, 20, 60, 120]);
      const shared = random.chance(2);
      const capacity = random.pick([2, 10, 60, 110]) * MB;
      const loss = random.pick([0, 0, 0.001, 0.01]);
      const other = shared ? capacity : random.pick([1, 10, 60, 200]) * MB;
      const guess = guesses[rttMs < 20 ? 'same-subnet' : 'wide-area'];
      const simCase: SimCase = {
        bytes: random.pick([0.5, 3, 20, 60]) * 1_000 * Math.min(capacity, other),
        guess,
        isFar: rttMs >= 20,
        ways: [
          way('tcp', always({ capacity, rttMs, loss })),
          way('udp', always({ capacity: other, rttMs, loss }), { link: shared ? 'one' : 'two' }),
        ],
      };
      expectKept(
        simCase,
        `seed ${seed}, ${JSON.stringify({ rttMs, shared, capacity, other, loss, bytes: simCase.bytes })}`,
        300 + dialRoundTrips * rttMs,
      );
    }
  });

  it('random cuts: nothing stops for longer than 2 s', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = new FuzzRandom(seed);
      const rttMs = random.pick([1, 20, 100]);
      const cutAt = 200 + random.below(12_000);
      const cut = random.pick(['tcp', 'udp']);
      const one = (scheme: string) =>
        way(scheme, (now) => ({ capacity: 20 * MB, rttMs, isCut: scheme === cut && now >= cutAt }), {
          link: scheme,
        });
      const simCase = {
        ...{ bytes: 400_000_000, guess: guesses['same-site'], isFar: rttMs >= 20 },
        ways: [one('tcp'), one('udp')],
      };
      const end = run(simCase);
      expect(end.stallMs, `seed ${seed}, ${cut} at ${cutAt}, ${rttMs} ms\n${shown(end)}`).toBeLessThanOrEqual(
        2_000,
      );
    }
  });
});
