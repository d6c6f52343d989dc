import { render } from 'ink-testing-library';
import { createElement } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HopView } from '../../../src/relay/observer.js';
import { Dashboard, DashboardView } from '../../../src/ui/relay-dashboard.js';
import { RelayRates } from '../../../src/ui/relay-rates.js';
import { hop, known, status } from './relay-kit.js';

const endings: (() => void)[] = [];
afterEach(() => endings.splice(0).forEach((end) => end()));

/** The lines of one picture, a second after another. */
function lines(
  hops: readonly HopView[],
  options: {
    columns?: number;
    rows?: number;
    messages?: string[];
    changes?: Parameters<typeof status>[1];
  } = {},
): string[] {
  const { columns = 100, rows = 30, messages = [], changes = {} } = options;
  const rates = new RelayRates();
  rates.look(status(hops.map((one) => ({ ...one, bytesFrom: 0, bytesTo: 0 }))), 0);
  const picture = rates.look(status(hops, changes), 1000);
  const drawn = render(createElement(DashboardView, { picture, messages, columns, rows }));
  endings.push(drawn.unmount);
  return (drawn.lastFrame() ?? '').split('\n');
}

const many = (count: number) =>
  Array.from({ length: count }, (_, at) =>
    hop({ id: at, source: `192.0.2.${at}`, bytesFrom: (count - at) * 1000 }),
  );

describe('the dashboard', () => {
  it('shows peers with their streams, rates, buffers and round trips', () => {
    const alice = hop({
      peer: known('alice'),
      streams: 3,
      bytesFrom: 1_500_000,
      bytesTo: 2000,
      bufferedBytes: 64_000,
      rttMs: 12.34,
    });
    const shown = lines([alice]);
    expect(shown.find((line) => line.startsWith('peer'))).toMatch(
      /^peer +by +weight +conns +streams +in +out +rate +buffered +rtt$/,
    );
    expect(shown.find((line) => line.startsWith('alice'))).toMatch(
      /^alice +tcp +10 +1 +3 +1\.50 MB\/s +2\.00 kB\/s +█ +64\.0 kB +12\.3 ms$/,
    );
  });

  it('sums up the relay', () => {
    const refused = new Map([
      ['policy', 3],
      ['source-rate', 40],
    ] as const);
    const changes = { rooms: 2, pendingOpens: 1, refused, isDraining: true };
    const text = lines([hop({ bytesTo: 5_000_000, bufferedBytes: 1000 })], { changes }).join('\n');
    expect(text).toContain('xfer relay · up 1.0 s · stopping');
    expect(text).toContain('q quits');
    expect(text).toContain('tcp://[::]:4840');
    expect(text).toContain('connections 1  streams 1 (1 opening)  rooms 2  buffered 1.00 kB');
    expect(text).toMatch(/in 0 B\/s {2}out 5\.00 MB\/s +█/);
    expect(text).toContain('refused 43: source-rate 40 · policy 3');
  });

  it('says so when nobody is there', () => {
    expect(lines([]).join('\n')).toContain('nobody is connected');
  });

  it('shows as many peers as there is room for, the busiest, and counts the others', () => {
    const shown = lines(many(20), { rows: 16 });
    expect(shown.filter((line) => line.startsWith('192.0.2.'))).toHaveLength(8);
    expect(shown.at(-1)).toBe('and 12 more');
    expect(shown.length).toBeLessThan(16);
    expect(lines(many(200), { rows: 500 }).at(-1)).toBe('and 170 more');
  });

  it.each([200, 120, 100, 80, 60, 40, 30])('keeps within %i columns', (columns) => {
    const hops = [
      ...many(3),
      hop({ id: 9, peer: known('a name that is longer than the column for it, by far') }),
    ];
    const messages = ['note: a line that has more to say than fits into a terminal that is not very wide'];
    const shown = lines(hops, { columns, messages });
    for (const line of shown) expect(line.length).toBeLessThanOrEqual(columns);
    expect(shown.some((line) => line.startsWith('192.0.2.0'))).toBe(true);
    if (columns >= 60) expect(shown.join('\n')).toContain('streams');
    if (columns <= 60) expect(shown.join('\n')).not.toContain('weight');
  });

  it('lets no name reach the terminal as it is', () => {
    const text = lines([hop({ peer: known('\u001b[2Jevil\u202e') })], { columns: 160 }).join('\n');
    expect(text).not.toMatch(/\u001b\[2J|\u202e/);
    expect(text).toContain('evil');
  });

  it('looks again, and hears q and Ctrl-C', async () => {
    const hops = [hop()];
    const keys: string[] = [];
    const told: string[] = [];
    const drawn = render(
      createElement(Dashboard, {
        status: status(hops),
        messages: () => told,
        onKey: (key) => void keys.push(key),
        intervalMs: 5,
      }),
    );
    endings.push(drawn.unmount);
    expect(drawn.lastFrame()).toContain('192.0.2.7');
    hops.push(hop({ id: 2, source: '198.51.100.9' }));
    told.push('note: something happened');
    await vi.waitFor(() => expect(drawn.lastFrame()).toContain('198.51.100.9'));
    expect(drawn.lastFrame()).toContain('note: something happened');
    drawn.stdin.write('x');
    drawn.stdin.write('q');
    drawn.stdin.write('\u0003');
    await vi.waitFor(() => expect(keys).toEqual(['quit', 'interrupt']));
  });
});
