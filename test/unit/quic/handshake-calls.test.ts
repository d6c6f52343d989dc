import { describe, expect, it } from 'vitest';
import { HandshakeCalls } from '../../../plugins/quic/src/handshake-calls.js';

const limits = { spareHandshakes: 10, maxHandshakes: 40, idleTimeoutMs: 1000 };

describe('calls that wait for handshakes', () => {
  it('are as many more as handshakes are under way, up to the most', () => {
    const calls = new HandshakeCalls(limits);
    expect(calls.handleAccepted(0, 0)).toBe(10);
    expect(calls.handleAccepted(1, 7)).toBe(7);
    expect(calls.handleAccepted(2, 7)).toBe(0);
    expect(calls.handleAccepted(3, 20)).toBe(13);
    expect(calls.handleAccepted(4, 200)).toBe(10);
    expect(calls.handleAccepted(5, 300)).toBe(0);
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
    const calls = new HandshakeCalls({ ...limits, maxHandshakes: 2 ** 33 });
    expect(calls.handleAccepted(0, 2 ** 32 - 2)).toBe(2 ** 32 + 8);
    expect(calls.handleAccepted(1, 3)).toBe(5);
  });

  it('forget after a long silence what was begun and never said to be over', () => {
    const calls = new HandshakeCalls(limits);
    calls.handleAccepted(0, 25);
    expect(calls.handleReturned()).toBe(true);
    expect(calls.handleAccepted(1999, 25)).toBe(0);
    expect(calls.handleReturned()).toBe(true);
    expect(calls.handleAccepted(2001, 25)).toBe(0);
    expect(calls.handleReturned()).toBe(false);
  });
});
