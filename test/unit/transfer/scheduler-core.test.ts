import { describe, expect, it } from 'vitest';
import { SchedulerCore } from '../../../src/transfer/scheduler-core.js';

const MiB = 2 ** 20;

/** A scheduler with endless content, or with so much of it. */
function scheduler(total = Infinity, windowBytes = 8 * MiB, growth?: { products: number; maxBytes: number }) {
  let offset = 0;
  return new SchedulerCore<string>({
    windowBytes,
    ...(growth ? { growth } : {}),
    mostRecords: growth ? 1024 : 64,
    recordBytes: MiB,
    supply: (most) => {
      const bytes = Math.min(most, total - offset);
      offset += bytes;
      return bytes > 0 ? { source: 'file', offset: offset - bytes, bytes } : undefined;
    },
    isExhausted: () => offset >= total,
  });
}

/** Sends on a lane until it takes no more; the numbers of the records. */
function fill(core: SchedulerCore<string>, lane: number, now: number): number[] {
  const numbers: number[] = [];
  for (let next = core.pollSend(lane, now); next; next = core.pollSend(lane, now)) numbers.push(next.number);
  return numbers;
}

describe('a lane that is gone', () => {
  it('gives its records to the others, in order and before new ones', () => {
    const core = scheduler();
    core.handleLane(1, 'up');
    core.handleLane(2, 'up');
    const lost = [0, 1, 2].map(() => core.pollSend(1, 0)?.number);
    expect(core.pollSend(2, 0)).toMatchObject({ number: 3, isRepeat: false });
    core.handleLane(1, 'down');
    expect(lost.map(() => core.pollSend(2, 10))).toMatchObject(
      lost.map((number) => ({ number, isRepeat: true })),
    );
    expect(core.pollSend(2, 10)).toMatchObject({ number: 4, isRepeat: false });
  });

  it('leaves no measurement: an acknowledgement behind the repetition may be for what it brought', () => {
    const core = scheduler();
    core.handleLane(1, 'up');
    core.pollSend(1, 0);
    core.handleLane(1, 'down');
    core.handleLane(2, 'up');
    expect(core.pollSend(2, 50)).toMatchObject({ number: 0, isRepeat: true });
    expect(core.handleReceived(0, 1, 50.1)).toHaveLength(1);
    expect(core.bytesPerSecond).toBe(0);
  });

  it('sends nothing again of what was acknowledged meanwhile', () => {
    const core = scheduler(256 * 1024);
    core.handleLane(1, 'up');
    core.pollSend(1, 0);
    core.handleLane(1, 'down');
    expect(core.handleReceived(0, 1, 5)).toEqual([{ source: 'file', bytes: 256 * 1024 }]);
    core.handleLane(2, 'up');
    expect([core.pollSend(2, 6), core.inFlightBytes]).toEqual([undefined, 0]);
  });
});

describe('a lane that is suspect', () => {
  it('gives its records to the others, and gets nothing before it is heard again', () => {
    const core = scheduler();
    core.handleLane(1, 'up');
    core.handleLane(2, 'up');
    const given = core.pollSend(1, 0)?.number;
    core.handleSuspect(1);
    expect(core.pollSend(1, 2_000)).toBeUndefined();
    expect(core.pollSend(2, 2_000)).toMatchObject({ number: given, isRepeat: true });
    core.handleAlive(1);
    expect(core.pollSend(1, 3_000)).toMatchObject({ number: 1, isRepeat: false });
  });

  it('is used all the same where there is no other that is not', () => {
    const core = scheduler();
    core.handleLane(1, 'up');
    core.handleLane(2, 'up');
    for (const lane of [1, 2]) core.handleSuspect(lane);
    expect(core.pollSend(1, 0)).toMatchObject({ number: 0 });
    core.handleAlive(2);
    expect(core.pollSend(1, 0)).toBeUndefined();
    core.handleLane(2, 'down');
    expect(core.pollSend(1, 0)).toMatchObject({ number: 1 });
  });

  it('keeps what it has where it is alone', () => {
    const core = scheduler(256 * 1024);
    core.handleLane(1, 'up');
    core.pollSend(1, 0);
    core.handleSuspect(1);
    expect(core.pollSend(1, 9_000)).toBeUndefined();
  });

  it('gives its records to the first that joins, though it was alone', () => {
    const core = scheduler();
    core.handleLane(1, 'up');
    const given = [0, 1].map(() => core.pollSend(1, 0)?.number);
    core.handleSuspect(1);
    core.handleLane(2, 'up');
    expect(given.map(() => core.pollSend(2, 900))).toMatchObject(
      given.map((number) => ({ number, isRepeat: true })),
    );
  });
});

describe('a lane that rests', () => {
  it('keeps what it has and gets nothing new, unless it is the only one', () => {
    const core = scheduler();
    core.handleLane(1, 'up');
    core.handleLane(2, 'up');
    core.pollSend(1, 0);
    core.handleRest(1, true);
    expect([core.pollSend(1, 1), core.isLimited(1), core.isLimited(2)]).toEqual([undefined, true, false]);
    expect(core.pollSend(2, 1)).toMatchObject({ number: 1, isRepeat: false });
    core.handleSuspect(2);
    expect(core.pollSend(1, 2)).toMatchObject({ number: 1, isRepeat: true });
    core.handleAlive(2);
    core.handleRest(1, false);
    expect(core.pollSend(1, 3)).toMatchObject({ number: 2 });
  });
});

describe('the load of a lane', () => {
  it('is what it carries and has carried; of several carriers nobody knows which brought it', () => {
    const core = scheduler(512 * 1024);
    core.handleLane(1, 'up');
    core.handleLane(2, 'up');
    core.pollSend(1, 0);
    core.pollSend(2, 0);
    core.handleReceived(1, 2, 30);
    expect(core.loads.get(2)).toEqual({ receivedBytes: 256 * 1024, inFlightBytes: 0, delayMs: 30 });
    expect(core.pollSend(2, 300)).toMatchObject({ number: 0, isRepeat: true });
    core.handleReceived(0, 1, 310);
    expect([1, 2].map((lane) => core.loads.get(lane)?.receivedBytes)).toEqual([128 * 1024, 384 * 1024]);
  });
});

describe('the head of the window', () => {
  it('is copied to an idle lane when it has waited 200 ms and not before, once a lane', () => {
    const core = scheduler(256 * 1024 + 1);
    core.handleLane(1, 'up');
    core.handleLane(2, 'up');
    core.pollSend(1, 0);
    core.pollSend(2, 0);
    core.handleReceived(1, 2, 190);
    expect([core.nextWakeup(190), core.pollSend(2, 199)]).toEqual([200, undefined]);
    expect(core.pollSend(2, 200)).toMatchObject({ number: 0, isRepeat: true });
    expect([core.nextWakeup(900), core.pollSend(2, 900), core.pollSend(1, 900)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is waited for by no clock when it is late and no lane has room: what is handled brings it on', () => {
    const core = scheduler(64 * MiB, 64 * MiB);
    core.handleLane(1, 'up');
    core.handleLane(2, 'up');
    core.pollSend(1, 0);
    const full = fill(core, 2, 0);
    expect([core.nextWakeup(199), core.nextWakeup(200), core.pollSend(2, 300)]).toEqual([
      200,
      undefined,
      undefined,
    ]);
    for (const number of full) core.handleReceived(number, number + 1, 400);
    expect(core.pollSend(2, 400)?.number).toBeGreaterThan(0);
  });

  it('is not copied where there is no other lane', () => {
    const core = scheduler(256 * 1024);
    core.handleLane(1, 'up');
    core.pollSend(1, 0);
    expect([core.nextWakeup(0), core.pollSend(1, 10_000)]).toEqual([undefined, undefined]);
  });
});

describe('at the end', () => {
  it('a lane with room takes from another, silent for long, what that has; it wakes for that by itself', () => {
    const core = scheduler(2 * MiB, 64 * MiB);
    for (const lane of [1, 2]) core.handleLane(lane, 'up');
    core.pollSend(2, 0);
    core.handleReceived(0, 1, 10);
    const silent = fill(core, 1, 10);
    expect([silent.length, core.isExhausted]).toEqual([7, true]);
    const at = core.nextWakeup(10) ?? 0;
    expect(at).toBeGreaterThan(20);
    expect(at).toBeLessThan(100);
    expect(core.pollSend(2, at - 1)).toBeUndefined();
    expect(core.pollSend(2, at)).toMatchObject({ number: silent.at(-1), isRepeat: true });
    expect(fill(core, 2, 1_000)).toHaveLength(6);
    expect([core.nextWakeup(1_000), core.pollSend(2, 1_000), core.pollSend(1, 1_000)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('nothing is copied but the head as long as there is something new', () => {
    const core = scheduler(Infinity, 4 * MiB);
    for (const lane of [1, 2]) core.handleLane(lane, 'up');
    core.pollSend(2, 0);
    core.handleReceived(0, 1, 10);
    const [head] = fill(core, 1, 10);
    expect(fill(core, 2, 1_000)).toEqual([head]);
  });
});

describe('the window', () => {
  it('takes a record while it is not full, and another when one is acknowledged', () => {
    const core = scheduler(Infinity, MiB);
    core.handleLane(1, 'up');
    expect(fill(core, 1, 0)).toEqual([0, 1, 2, 3]);
    expect([core.inFlightBytes, core.hasRoom]).toEqual([MiB, false]);
    core.handleReceived(2, 3, 10);
    expect(fill(core, 1, 10)).toHaveLength(1);
  });

  it.each([
    ['six times what a path of 20 ms holds is within it', 20, 8],
    ['six times what a path of 300 ms holds is not', 300, 18],
    ['a path of 2 s holds more than it may grow to', 2000, 24],
  ])('is as large as a path needs: %s', (_which, delayMs, windowMiB) => {
    const core = scheduler(Infinity, 8 * MiB, { products: 6, maxBytes: 24 * MiB });
    core.handleLane(1, 'up');
    // A record of 10 KiB for each millisecond that the path takes.
    const bytesPerMs = 10 * 1024;
    let now = 0;
    let acknowledged = 0;
    for (; now < 10 * delayMs; now += delayMs) {
      let sent = 0;
      while (sent < bytesPerMs * delayMs) {
        const next = core.pollSend(1, now);
        if (!next) break;
        sent += next.piece.bytes;
      }
      core.handleReceived(acknowledged, core.count, now + delayMs);
      acknowledged = core.count;
    }
    fill(core, 1, now);
    expect(core.inFlightBytes / MiB).toBeGreaterThanOrEqual(windowMiB);
    expect(core.inFlightBytes / MiB).toBeLessThan(windowMiB + 2);
  });

  it('counts a record that turned out shorter as what it is', () => {
    const core = scheduler();
    core.handleLane(1, 'up');
    core.pollSend(1, 0);
    core.handleShort(0, 10);
    expect(core.inFlightBytes).toBe(10);
    expect(core.handleReceived(0, 1, 1)).toEqual([{ source: 'file', bytes: 10 }]);
    expect(core.inFlightBytes).toBe(0);
  });
});

describe('a receiver', () => {
  it.each([
    ['has what was never sent', (core: SchedulerCore<string>) => core.handleReceived(0, 3, 1)],
    ['has nothing at all', (core: SchedulerCore<string>) => core.handleReceived(1, 1, 1)],
    ['wants again what was never sent', (core: SchedulerCore<string>) => core.handleAgain(1, 3) || undefined],
    ['wants nothing again', (core: SchedulerCore<string>) => core.handleAgain(2, 1) || undefined],
  ])('that %s is refused', (_, say) => {
    const core = scheduler();
    core.handleLane(1, 'up');
    core.pollSend(1, 0);
    core.pollSend(1, 0);
    expect(say(core)).toBeUndefined();
    expect(core.inFlightRecords).toBe(2);
  });

  it('gets again what did not verify, and may say twice that it has a record', () => {
    const core = scheduler();
    core.handleLane(1, 'up');
    core.pollSend(1, 0);
    expect(core.handleAgain(0, 1)).toBe(true);
    expect(core.pollSend(1, 1)).toMatchObject({ number: 0, isRepeat: true });
    expect([core.handleReceived(0, 1, 2)?.length, core.handleReceived(0, 1, 3)?.length]).toEqual([1, 0]);
    expect(core.handleAgain(0, 1)).toBe(true);
    expect(core.pollSend(1, 4)).toMatchObject({ number: 1, isRepeat: false });
  });
});

describe('a lane of several', () => {
  it('whose path becomes longer may have more under way, although what came was sooner', () => {
    const core = scheduler(Infinity, 64 * MiB, { products: 6, maxBytes: 64 * MiB });
    for (const lane of [1, 2]) core.handleLane(lane, 'up');
    core.pollSend(1, 0);
    // 256 KiB in 10 ms.
    core.handleReceived(0, 1, 10);
    const underWay = () => {
      fill(core, 1, 10);
      return (core.loads.get(1)?.inFlightBytes ?? 0) / (256 * 1024);
    };
    expect(underWay()).toBe(10);
    core.handleRoundTrip(1, 100);
    expect(underWay()).toBe(30);
  });

  it('has three of its least delays under way: content waits for lost packets before it', () => {
    const core = scheduler(Infinity, 64 * MiB, { products: 6, maxBytes: 64 * MiB });
    core.handleLane(1, 'up');
    core.handleLane(2, 'up');
    core.handleRest(2, true);
    // A record a round trip of 100 ms: what was sent first goes at 10 MiB a second.
    let now = 0;
    for (let next = core.pollSend(1, now); now < 2_000; next = core.pollSend(1, now)) {
      now += 100;
      if (next) core.handleReceived(next.number, next.number + 1, now);
    }
    const rate = core.bytesPerSecond / 1000;
    fill(core, 1, now);
    const underWay = core.loads.get(1)?.inFlightBytes ?? 0;
    expect(underWay).toBeGreaterThanOrEqual(3 * 100 * rate);
    expect(underWay).toBeLessThan(3 * 100 * rate + MiB);
  });
});
