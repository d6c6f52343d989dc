import { describe, expect, it } from 'vitest';
import { LaneRate } from '../../../src/transfer/lane-rate.js';
import type { LaneState, OpenRecord } from '../../../src/transfer/lane-state.js';
import { tailCopy } from '../../../src/transfer/tail-copy.js';

const bytes = 100_000;
const now = 1_000;

interface Shape {
  /** Bytes a millisecond, and the milliseconds of a round trip. */
  readonly rate?: number;
  readonly delay?: number;
  readonly records: readonly number[];
  readonly silentMs?: number;
}

/** Lanes as they are at `now`, all records of one size. */
function world(shapes: Readonly<Record<number, Shape>>) {
  const open = new Map<number, OpenRecord<string>>();
  const lanes = new Map<number, LaneState>();
  for (const [name, { rate, delay = 10, records, silentMs = 0 }] of Object.entries(shapes)) {
    const lane = Number(name);
    const measured = new LaneRate();
    const sending = measured.handleSent(0, true);
    if (rate !== undefined) measured.handleDelivered(rate * delay, sending, delay);
    lanes.set(lane, {
      ...{ rate: measured, underWay: new Set(records), bytes: records.length * bytes, receivedBytes: 0 },
      ...{ progressAt: now - silentMs, roundTripMs: 0, isSuspect: false, isResting: false },
    });
    for (const number of records) {
      const piece = { source: 'file', offset: number * bytes, bytes };
      const record = open.get(number) ?? {
        ...{ number, piece, bytes, carriers: new Map(), sentAt: 0, isRepeated: false },
      };
      record.carriers.set(lane, sending);
      open.set(number, record);
    }
  }
  return { lanes, open, now };
}

/** All that lane 1 copies now, each copy being under way on it from then on. */
function copies({ lanes, open }: ReturnType<typeof world>): number[] {
  const taken: number[] = [];
  const own = lanes.get(1);
  for (;;) {
    const copy = tailCopy(1, { lanes, open, now });
    if (!own || !copy || copy.at > now || taken.length > 100) return taken;
    const { record } = copy;
    taken.push(record.number);
    own.underWay.add(record.number);
    own.bytes += record.bytes;
    record.carriers.set(1, own.rate.handleSent(now, false));
  }
}

describe('of what another lane carries a lane copies', () => {
  it('the last records, as many as it brings in half the time', () => {
    // The n-th record takes lane 2 100 ms × n, and a copy comes after 10 ms and 10 ms for each.
    const taken = copies(
      world({ 1: { rate: 10_000, records: [] }, 2: { rate: 1_000, records: [3, 4, 5, 6] } }),
    );
    expect(taken).toEqual([6, 5, 4, 3]);
    const slower = copies(
      world({ 1: { rate: 1_000, records: [] }, 2: { rate: 500, records: [3, 4, 5, 6, 7, 8] } }),
    );
    expect(slower).toEqual([8, 7, 6]);
  });

  it('nothing that comes as soon by itself, and nothing for the sake of 20 ms', () => {
    expect(copies(world({ 1: { rate: 1_000, records: [] }, 2: { rate: 1_000, records: [3] } }))).toEqual([]);
    const fast = world({
      1: { rate: 1e6, delay: 0.1, records: [] },
      2: { rate: 50_000, records: [3, 4, 5] },
    });
    expect(copies(fast)).toEqual([]);
  });

  it('what is on the slowest of several, and what two carry only where both are slow', () => {
    const three = (rate: number) =>
      world({
        1: { rate: 10_000, records: [] },
        2: { rate: 300, records: [3, 9] },
        3: { rate, records: [4, 9] },
      });
    expect(copies(three(100))).toEqual([4, 9, 3]);
    expect(copies(three(10_000))).toEqual([3]);
  });

  it('what it may bring sooner although it was not measured', () => {
    const of = (silentMs: number) =>
      world({ 1: { records: [] }, 2: { rate: 1_000, records: [3], silentMs } });
    expect([copies(of(399)), copies(of(401))]).toEqual([[], [3]]);
  });
});

describe('a lane that is silent', () => {
  it('is expected to be silent for as long again: a copy is worth it from then on', () => {
    const of = (silentMs: number) =>
      world({ 1: { rate: 10_000, records: [] }, 2: { rate: 10_000, records: [3, 4], silentMs } });
    expect(tailCopy(1, of(0))).toMatchObject({ record: { number: 4 }, at: now + 40 });
    expect([copies(of(39)), copies(of(41))]).toEqual([[], [4]]);
  });

  it('or was never measured, has all the time that it was silent', () => {
    const fresh = world({ 1: { rate: 10_000, records: [] }, 2: { records: [3], silentMs: 15 } });
    expect(tailCopy(1, fresh)).toMatchObject({ at: now + 25 });
  });
});

it('nothing is copied of what nobody has, or by nobody', () => {
  const { open, lanes } = world({ 1: { rate: 1, records: [] }, 2: { rate: 1, records: [] } });
  expect([tailCopy(1, { lanes, open, now }), tailCopy(7, { lanes, open, now })]).toEqual([
    undefined,
    undefined,
  ]);
});
