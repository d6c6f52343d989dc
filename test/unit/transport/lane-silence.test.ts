import { describe, expect, it } from 'vitest';
import { LaneSilence } from '../../../src/transport/lane-silence.js';
import type { LaneSample } from '../../../src/transport/selection.js';

const sample = (about: Partial<LaneSample>): LaneSample => ({
  ...{ lane: 0, way: 'tcp://a:1', receivedBytes: 0, inFlightBytes: 1_000, heardBytes: 1 },
  ...{ rttMs: 0, minRttMs: 0, lost: 0, isSuspect: false },
  ...about,
});

/** When it was found to be silent, asked every 100 ms for so long. */
function silentAt(about: (now: number) => Partial<LaneSample>, forMs = 5_000, stoodStillAt?: number) {
  const silence = new LaneSilence();
  for (let now = 0; now <= forMs; now += 100) {
    silence.handleSample(now, sample(about(now)), now === stoodStillAt ? 2_000 : 0);
    if (silence.silentSince !== undefined) return silence.silentSince;
  }
  return undefined;
}

describe('LaneSilence', () => {
  it('finds a lane that carries content and is not heard, sooner than its transport', () =>
    expect(silentAt(() => ({}))).toBe(800));

  it('waits two round trips longer, but not past what the transport would', () => {
    expect(silentAt(() => ({ rttMs: 100 }))).toBe(1_000);
    expect(silentAt(() => ({ rttMs: 5_000 }))).toBe(1_500);
  });

  it('a path of which every round trip takes long has that time', () =>
    expect(silentAt(() => ({ rttMs: 1_100, minRttMs: 1_000 }))).toBe(2_800));

  it('with nothing under way nothing is awaited', () =>
    expect(silentAt(() => ({ inFlightBytes: 0 }))).toBeUndefined());

  it('any byte is life', () =>
    expect(silentAt((now) => ({ heardBytes: Math.floor(now / 600) }))).toBeUndefined());

  it('believes its transport', () => expect(silentAt((now) => ({ isSuspect: now >= 300 }))).toBe(300));

  it('while the process stood still nobody was silent', () =>
    expect(silentAt(() => ({}), 2_500, 700)).toBe(1_500));

  it('is heard again with the next byte', () => {
    const silence = new LaneSilence();
    for (let now = 0; now <= 1_000; now += 100) silence.handleSample(now, sample({}), 0);
    expect(silence.silentSince).toBeDefined();
    silence.handleSample(1_100, sample({ heardBytes: 2 }), 0);
    expect(silence.silentSince).toBeUndefined();
  });
});
