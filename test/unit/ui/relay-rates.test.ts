import { describe, expect, it } from 'vitest';
import { RelayRates } from '../../../src/ui/relay-rates.js';
import { hop, known, status } from './relay-kit.js';

describe('the rates of a relay', () => {
  it('are those since the last look; at the first there are none', () => {
    const rates = new RelayRates();
    const first = rates.look(status([hop({ bytesFrom: 5000 })]), 1000);
    expect([first.rateFrom, first.rateTo]).toEqual([0, 0]);
    const second = rates.look(status([hop({ bytesFrom: 9000, bytesTo: 200 })]), 3000);
    expect([second.rateFrom, second.rateTo]).toEqual([2000, 100]);
    expect(second.rows[0]).toMatchObject({ rateFrom: 2000, rateTo: 100, history: [0, 2100] });
    expect(second.history).toEqual([0, 2100]);
    expect(second.uptimeSeconds).toBe(3);
  });

  it('put the connections of a peer together, and strangers by where they come from', () => {
    const alice = known('alice');
    const hops = [
      hop({ id: 1, streams: 2, bufferedBytes: 10, rttMs: 5 }),
      hop({ id: 2, peer: alice, source: '198.51.100.1', streams: 3, bufferedBytes: 20, rttMs: 9 }),
      hop({ id: 3, peer: alice, source: '198.51.100.2', streams: 4, bufferedBytes: 30, rttMs: 7 }),
      hop({ id: 4, peer: alice, transport: 'wss' }),
      hop({ id: 5, rttMs: 0 }),
    ];
    const { rows, connections, bufferedBytes } = new RelayRates().look(status(hops), 0);
    expect([connections, bufferedBytes]).toEqual([5, 60]);
    expect(
      rows.map(({ name, transport, ...row }) => [name, transport, row.connections, row.streams]),
    ).toEqual([
      ['alice', 'tcp', 2, 7],
      ['192.0.2.7', 'tcp', 2, 3],
      ['alice', 'wss', 1, 1],
    ]);
    expect(rows[0]).toMatchObject({ weight: 10, rttMs: 7, bufferedBytes: 50 });
    expect(rows[1]).toMatchObject({ weight: 0, rttMs: 5 });
  });

  it('show the busiest first', () => {
    const rates = new RelayRates();
    const at = (bytes: readonly number[]) =>
      status(bytes.map((bytesTo, id) => hop({ id, source: `192.0.2.${id}`, bytesTo })));
    rates.look(at([0, 0, 0]), 0);
    const { rows } = rates.look(at([10, 30, 20]), 1000);
    expect(rows.map(({ name }) => name)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.0']);
  });

  it('forget who has left, and remember a minute of who stays', () => {
    const rates = new RelayRates();
    for (let second = 0; second < 100; second++)
      rates.look(status([hop({ bytesFrom: second * 1000 })]), second * 1000);
    rates.look(status([]), 100_000);
    const { rows, history } = rates.look(status([hop({ id: 2 })]), 101_000);
    expect(history).toHaveLength(60);
    expect(rows[0]?.history).toHaveLength(1);
  });

  it('list refusals by how many there were', () => {
    const refused = new Map([
      ['policy', 2],
      ['source-rate', 7],
    ] as const);
    expect(new RelayRates().look(status([], { refused }), 0).refused).toEqual([
      ['source-rate', 7],
      ['policy', 2],
    ]);
  });
});
