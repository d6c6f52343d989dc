import { describe, expect, it } from 'vitest';
import { HandshakeCalls } from '../../../plugins/quic/src/handshake-calls.js';

const limits = { spareHandshakes: 10, maxHandshakes: 40, idleTimeoutMs: 1000 };

describe('calls that wait for handshakes', () => {
  it('are as many more as handshakes are under way, up to the most', () => {
    const calls = new HandshakeCalls(limits);
    expect(calls.handleAccepted(0, 0)).toBe(10);
    expect(calls.handleAccepted(1, 5)).toBe(5);
    expect(calls.handleAccepted(2, 5)).toBe(0);
    expect(calls.handleAccepted(3, 10)).toBe(5);
    expect(calls.handleAccepted(4, 200)).toBe(20);
    expect(calls.handleAccepted(5, 300)).toBe(0);
  });

  it('are twice as many free as began lately, where more come at once than wait usually', () => {
    const calls = new HandshakeCalls({ ...limits, maxHandshakes: 1000 });
    expect(calls.handleAccepted(0, 0)).toBe(10);
    // All ten are under way: 20 are to be free, then 40, and 10 again when none began.
    expect(calls.handleAccepted(1, 10)).toBe(20);
    expect(calls.handleAccepted(2, 30)).toBe(40);
    for (let i = 0; i < 30; i++) calls.handleOver();
    expect(calls.handleAccepted(3, 30)).toBe(0);
    const kept = Array.from({ length: 70 }, () => calls.handleReturned()).filter((again) => again);
    expect(70 - kept.length).toBe(60);
  });

  it('are made again while they are wanted, and become fewer when handshakes are over', () => {
    const calls = new HandshakeCalls(limits);
    calls.handleAccepted(0, 0);
    calls.handleOver();
    expect(calls.handleReturned()).toBe(true);
    expect(calls.handleAccepted(1, 3)).toBe(2);
    calls.handleOver();
    expect(calls.handleReturned()).toBe(false);
    expect(calls.handleReturned()).toBe(true);
    calls.handleOver();
    expect([calls.handleReturned(), calls.handleReturned()]).toEqual([false, true]);
  });

  it('are counted on where the counter wraps', () => {
    const spareHandshakes = 2 ** 34;
    const calls = new HandshakeCalls({ ...limits, spareHandshakes, maxHandshakes: 2 ** 40 });
    expect(calls.handleAccepted(0, 2 ** 32 - 2)).toBe(spareHandshakes + 2 ** 32 - 2);
    expect(calls.handleAccepted(1, 3)).toBe(5);
  });

  it('forget after a long silence what was begun and never said to be over', () => {
    const calls = new HandshakeCalls(limits);
    calls.handleAccepted(0, 5);
    expect(calls.handleReturned()).toBe(true);
    expect(calls.handleAccepted(1999, 5)).toBe(0);
    expect(calls.handleReturned()).toBe(true);
    expect(calls.handleAccepted(2001, 5)).toBe(0);
    expect(calls.handleReturned()).toBe(false);
  });
});
