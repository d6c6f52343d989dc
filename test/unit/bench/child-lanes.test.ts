import { expect, test } from 'vitest';
import { ChildEvents } from '../../../src/bench/child-events.js';
import { lanesOf } from '../../../src/bench/child-lanes.js';

/** A sender that told of its lanes in so many events. */
function told(...lanes: readonly (readonly object[] | undefined)[]): ChildEvents {
  const events = new ChildEvents();
  for (const one of lanes) events.handleLine(JSON.stringify({ event: 'progress', bytes: 1, lanes: one }));
  return events;
}

test('lanes of all senders are told in their order, with what each has carried, though it has gone since', () => {
  const first = told(
    [{ lane: 0, bytes: 5 }],
    [
      { lane: 2, bytes: 30 },
      { lane: 0, bytes: 10 },
    ],
    [{ lane: 2, bytes: 40 }],
  );
  expect(lanesOf([first, told([{ lane: 0, bytes: 7 }], undefined)])).toEqual({ lanes: [10, 40, 7] });
});

test('of datagrams those that were lost are a share of what all lanes have sent', () => {
  const udp = told([
    { lane: 0, bytes: 5, rttMs: 30, datagrams: 900, lost: 9 },
    { lane: 1, bytes: 5, rttMs: 20, datagrams: 100, lost: 1 },
  ]);
  expect(lanesOf([udp])).toEqual({ lanes: [5, 5], rttMs: 20, lossShare: 0.01 });
  expect(lanesOf([told([{ lane: 0, bytes: 5, datagrams: 0, lost: 0 }])])).toEqual({ lanes: [5] });
});

test('who tells nothing of lanes has what was known when they came', () => {
  const events = new ChildEvents();
  events.handleLine(JSON.stringify({ event: 'lane', lane: 0, state: 'up', numbers: { rttMs: 8 } }));
  expect(lanesOf([events, new ChildEvents()])).toEqual({ rttMs: 8 });
});
