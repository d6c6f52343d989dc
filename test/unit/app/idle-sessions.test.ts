import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IdleSessions, type IdleSession } from '../../../src/app/idle-sessions.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const limits = { most: 3, mostOfPeer: 2, idleMs: 1_000, closeMs: 100 };

/** One whose peer ends nothing by itself. */
function idle(peer: string, told: string[], name = peer): IdleSession {
  return { peer, end: () => told.push(`end ${name}`), abort: () => told.push(`abort ${name}`) };
}

describe('a session that waits', () => {
  it('ends in order when its time is up, and is aborted where the other side does not', () => {
    const told: string[] = [];
    const sessions = new IdleSessions(limits);
    sessions.add(idle('ann', told));
    vi.advanceTimersByTime(1_000);
    expect([told, sessions.size]).toEqual([['end ann'], 1]);
    vi.advanceTimersByTime(100);
    expect([told, sessions.size]).toEqual([['end ann', 'abort ann'], 0]);
  });

  it('is left alone when it is over in time', () => {
    const told: string[] = [];
    const sessions = new IdleSessions(limits);
    const session = idle('ann', told);
    sessions.add(session);
    vi.advanceTimersByTime(1_000);
    sessions.remove(session);
    vi.advanceTimersByTime(10_000);
    expect([told, sessions.size]).toEqual([['end ann'], 0]);
  });

  it('is not ended once it carries another transfer', () => {
    const told: string[] = [];
    const sessions = new IdleSessions(limits);
    const session = idle('ann', told);
    sessions.add(session);
    sessions.wake(session);
    vi.advanceTimersByTime(10_000);
    expect([told, sessions.size]).toEqual([[], 0]);
  });

  it('was told to end: a transfer that begins then does not keep it', () => {
    const told: string[] = [];
    const sessions = new IdleSessions(limits);
    const session = idle('ann', told);
    sessions.add(session);
    vi.advanceTimersByTime(1_000);
    sessions.wake(session);
    expect(sessions.size).toBe(1);
    vi.advanceTimersByTime(100);
    expect(told).toEqual(['end ann', 'abort ann']);
  });

  it.each([
    { of: 'one peer', peers: ['ann', 'ann', 'ann', 'ann', 'ann'], most: 3 },
    { of: 'all', peers: ['ann', 'bob', 'eve', 'joe', 'sue', 'tom'], most: 4 },
  ])('makes way for newer ones of $of, however slowly it ends', ({ peers, most }) => {
    const told: string[] = [];
    const sessions = new IdleSessions(limits);
    for (const [at, peer] of peers.entries()) {
      sessions.add(idle(peer, told, String(at)));
      expect(sessions.size).toBeLessThanOrEqual(most);
    }
    expect(told.slice(0, 3)).toEqual(['end 0', 'abort 0', 'end 1']);
  });
});
