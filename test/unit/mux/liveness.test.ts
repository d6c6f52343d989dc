import { describe, expect, it } from 'vitest';
import { encodeUint64Frame } from '../../../src/mux/encode.js';
import { frameType } from '../../../src/mux/frame.js';
import { LoneCore } from '../../support/mux-cores.js';

/** A link on which everything has been answered. */
function quiet(): LoneCore {
  const lone = new LoneCore({ dialer: true });
  lone.take();
  lone.feed(encodeUint64Frame(frameType.keepaliveAck, 0, 1));
  return lone;
}

/** Rings every timer up to `until`; the times at which probes went out. */
function ring(lone: LoneCore, until: number): { probes: number[]; outcome: unknown } {
  const probes: number[] = [];
  while (lone.core.nextTimeout <= until) {
    lone.now = lone.core.nextTimeout;
    const outcome = lone.core.handleTimeout(lone.now);
    if (outcome !== undefined) return { probes, outcome };
    for (const frame of lone.take()) if (frame.type === frameType.keepalive) probes.push(lone.now);
  }
  return { probes, outcome: undefined };
}

describe('keepalive', () => {
  it('fails a link that does not say hello', () => {
    const lone = new LoneCore({ hello: false });
    expect(lone.core.nextTimeout).toBe(10_000);
    expect(lone.core.handleTimeout(9_999)).toBeUndefined();
    expect(lone.core.handleTimeout(10_000)).toBe('no hello');
  });

  it('probes after 15 s of silence', () => {
    const lone = quiet();
    // What went out with the hello is one interval old first.
    ring(lone, 600);
    lone.feed(encodeUint64Frame(frameType.keepaliveAck, 0, 2));
    const heardAt = lone.now;
    expect(ring(lone, heardAt + 15_000).probes).toEqual([heardAt + 15_000]);
  });

  it('with something outstanding probes each 500 ms, is suspect after 1.5 s and dead at 30 s', () => {
    const lone = quiet();
    ring(lone, 600);
    lone.feed(encodeUint64Frame(frameType.keepaliveAck, 0, 2));
    lone.open();
    lone.take();
    const since = lone.now;
    const early = ring(lone, since + 1_499);
    expect(early.probes.map((at) => at - since)).toEqual([500, 1000]);
    expect(lone.core.liveness.suspect).toBe(false);
    ring(lone, since + 1_500);
    expect(lone.core.liveness.suspect).toBe(true);
    expect(ring(lone, since + 29_999).outcome).toBeUndefined();
    expect(ring(lone, since + 30_000).outcome).toBe('dead');
  });

  it('takes any byte as life', () => {
    const lone = quiet();
    lone.open();
    lone.take();
    ring(lone, 2_000);
    expect(lone.core.liveness.suspect).toBe(true);
    lone.feed(Uint8Array.of(0x80));
    expect(lone.core.liveness.suspect).toBe(false);
    expect(ring(lone, 31_000).outcome).toBeUndefined();
  });

  it('does not blame the other side for a process that stood still', () => {
    const lone = quiet();
    lone.open();
    lone.take();
    lone.now = 60_000;
    expect(lone.core.handleTimeout(60_000)).toBeUndefined();
    expect(lone.core.liveness.suspect).toBe(false);
  });

  it('answers probes without waiting for an answer to that', () => {
    const lone = quiet();
    ring(lone, 600);
    lone.feed(encodeUint64Frame(frameType.keepaliveAck, 0, 2));
    lone.feed(encodeUint64Frame(frameType.keepalive, 0, 77));
    expect(lone.takeNames()).toEqual(['keepaliveAck 0']);
    expect(lone.core.nextTimeout).toBe(lone.now + 15_000);
  });

  it('remembers no more than the last 64 probes', () => {
    const lone = new LoneCore({ dialer: true, config: { suspectMs: 1e6, deadMs: 1e6 } });
    lone.take();
    ring(lone, 40_000);
    lone.feed(encodeUint64Frame(frameType.keepaliveAck, 0, 1));
    expect(lone.core.liveness.minRttMs).toBe(0);
    lone.feed(encodeUint64Frame(frameType.keepaliveAck, 0, 80));
    expect(lone.core.liveness.minRttMs).toBeGreaterThan(0);
  });

  it('measures the round trip by its own probes only', () => {
    const lone = new LoneCore({ dialer: true });
    lone.take();
    lone.now = 42;
    lone.feed(encodeUint64Frame(frameType.keepaliveAck, 0, 999));
    expect(lone.core.liveness.minRttMs).toBe(0);
    lone.feed(encodeUint64Frame(frameType.keepaliveAck, 0, 1));
    lone.now = 1000;
    lone.feed(encodeUint64Frame(frameType.keepaliveAck, 0, 1));
    expect(lone.core.liveness.minRttMs).toBe(42);
  });
});
