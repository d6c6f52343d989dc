import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DialPolicy, parseDialRules } from '../../../src/relay/dial-policy.js';
import type { HopPeer } from '../../../src/relay/observer.js';
import { RelayGuard, type RelayLimits } from '../../../src/relay/relay-guard.js';

const policy = new DialPolicy({ rules: parseDialRules(['any']), loopbackOnly: false });
const limits: Partial<RelayLimits> = {
  ...{ maxStreamsTotal: 1_000, maxStreamsPerPeer: 200, leastStreamsPerPeer: 10 },
  ...{ streamsPerSecond: 100, streamWindowMs: 100, maxConnectionsPerPeer: 100, maxRoomsPerPeer: 3 },
};
const times = <Result>(count: number, act: (turn: number) => Result) =>
  Array.from({ length: count }, (_, i) => act(i));
const stranger = (key: string | undefined): HopPeer => ({ key, name: 'x', trust: 'stranger', weight: 0 });
const guest = (key: string | undefined): HopPeer => ({
  ...{ key, name: 'guests', trust: 'trusted', weight: 2, token: 'digest' },
});

let guard: RelayGuard;
let connections: number;

beforeEach(() => {
  vi.useFakeTimers();
  connections = 0;
  guard = new RelayGuard({ policy, limits, now: () => Date.now() });
  guard.configure({}, true);
});
afterEach(() => {
  guard.close();
  vi.useRealTimers();
});

/** Its connections' numbers. */
function connect(peer: HopPeer, source: string): number {
  const id = ++connections;
  expect(guard.handlePeer(id, peer, source)).toEqual({ evicted: undefined });
  return id;
}

/** How many of so many streams are taken. */
const opened = (id: number, count: number) =>
  times(count, () => guard.openStream(id)).filter((refusal) => !refusal).length;

describe('who proves a key that is not listed', () => {
  it('has the streams of one stranger with all keys that it makes, and leaves others theirs', () => {
    const many = times(80, (i) => connect(stranger(`key ${i}`), '192.0.2.1'));
    const other = connect(stranger(undefined), '192.0.2.2');
    const taken = many.reduce((sum, id) => sum + opened(id, 10), 0);
    // An even part of the quarter that strangers have.
    expect(taken).toBe(125);
    expect(opened(other, 200)).toBe(125);
  });

  it('is one stranger with all addresses of an IPv6 host', () => {
    const many = times(10, (i) => connect(stranger(`key ${i}`), `2001:db8::${i}`));
    connect(stranger('other'), '192.0.2.2');
    expect(many.reduce((sum, id) => sum + opened(id, 200), 0)).toBe(125);
  });

  it('has the turns of one stranger', () => {
    const shares = times(20, (i) => guard.enterShare(stranger(`key ${i}`), '192.0.2.1', () => undefined));
    const other = guard.enterShare(stranger(undefined), '192.0.2.2', () => undefined);
    const turns = { many: 0, other: 0 };
    for (let step = 0; step < 600; step++) {
      shares[step % 20]?.takeTurn(new AbortController().signal, () => turns.many++);
      if (step % 10 === 0) other.takeTurn(new AbortController().signal, () => turns.other++);
      vi.advanceTimersByTime(5);
    }
    // Of the hundred a second the other wants twenty, which is less than its half.
    expect([turns.other > 50, turns.many < 400]).toEqual([true, true]);
  });

  it('has the connections of one stranger', () => {
    for (let i = 0; i < 100; i++) connect(stranger(`key ${i}`), '192.0.2.1');
    expect(guard.handlePeer(101, stranger('one more'), '192.0.2.1')).toEqual({ refused: 'peer-connections' });
  });

  it('has the rooms of one stranger, and its own back from elsewhere', () => {
    const open = (name: string, key: string, source: string) =>
      guard.openRoom(name, connect(stranger(key), source), stranger(key), source);
    expect(times(4, (i) => open(`room-${i}`, `key ${i}`, '192.0.2.1')).at(-1)).toBe('peer-rooms');
    expect(open('room-0', 'key 0', '192.0.2.9')).toBeUndefined();
    expect(open('room-1', 'key 0', '192.0.2.9')).toBe('room-taken');
  });
});

describe('a flood of streams that are refused', () => {
  it('fills the relay, and then keeps others to their share', () => {
    const peer = stranger(undefined);
    const id = connect(peer, '192.0.2.1');
    const share = guard.enterShare(peer, '192.0.2.1', () => undefined);
    for (let step = 0; step < 400; step++) {
      expect(guard.askStream(id)).toBeUndefined();
      guard.refuseStream();
      vi.advanceTimersByTime(5);
    }
    expect(guard.load).toMatchObject({ isOpeningFull: true, isForwardingFull: false, waitingStreams: 0 });
    vi.advanceTimersByTime(5_000);
    expect(guard.load.isOpeningFull).toBe(false);
    share.leave();
  });
});

describe('who brings a token', () => {
  it('shares its weight with all who bring it, whatever keys they make', () => {
    const listed: HopPeer = { key: 'aa', name: 'alice', trust: 'trusted', weight: 2 };
    const alice = connect(listed, '192.0.2.2');
    const many = times(40, (i) => connect(guest(`key ${i}`), '192.0.2.1'));
    expect(many.reduce((sum, id) => sum + opened(id, 20), 0)).toBe(200);
    expect(opened(alice, 300)).toBe(200);
  });

  it('keeps it where a neighbour comes without, and shares it from another address', () => {
    const first = connect(guest(undefined), '192.0.2.1');
    connect(stranger(undefined), '192.0.2.1');
    expect(opened(first, 150)).toBe(150);
    expect(opened(connect(guest(undefined), '192.0.2.2'), 150)).toBe(50);
  });

  it('has rooms by address, and no fewer connections for those of others', () => {
    for (let i = 0; i < 150; i++) connect(guest(`key ${i}`), `192.0.2.${i}`);
    const open = (name: string, source: string) =>
      guard.openRoom(name, connect(guest(undefined), source), guest(undefined), source);
    expect(times(6, (i) => open(`room-${i}`, `192.0.2.${i}`))).toEqual(Array(6).fill(undefined));
    expect(times(3, (i) => open(`more-${i}`, '192.0.2.1')).at(-1)).toBe('peer-rooms');
  });
});
