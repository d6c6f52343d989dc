import { describe, expect, it } from 'vitest';
import { transportsOf } from '../../../src/app/carried.js';

describe('the transports of a transfer', () => {
  const transports = new Map([
    [0, 'tcp'],
    [1, 'udp'],
    [2, 'udp'],
  ]);
  const told = (lanes: [number, number][]) =>
    transportsOf({ lanes: new Map(lanes), transportOf: (lane) => transports.get(lane), first: 'tcp' });

  it('are told with what all their lanes carried, first the one that carried most', () => {
    const { transport, transports: all } = told([
      [0, 10],
      [1, 6.4],
      [2, 7],
    ]);
    expect([transport, Object.entries(all)]).toEqual([
      'udp',
      [
        ['udp', 13],
        ['tcp', 10],
      ],
    ]);
  });

  it('are only the first where nothing was carried, or by lanes that nobody knows', () => {
    expect(told([])).toEqual({ transport: 'tcp', transports: {} });
    expect(told([[9, 5]])).toEqual({ transport: 'tcp', transports: {} });
  });
});
