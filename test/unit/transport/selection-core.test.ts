import { describe, expect, it } from 'vitest';
import { SelectionCore } from '../../../src/transport/selection-core.js';
import type { Decision, LaneSample } from '../../../src/transport/selection.js';
import { guesses } from '../../../src/transport/topology.js';

const MB = 1_000;
const stepMs = 100;
const [tcp, udp] = [
  { way: 'tcp://a:1', scheme: 'tcp' },
  { way: 'udp://a:1', scheme: 'udp' },
];

/** A transfer by tcp that is slow, with udp to try; each lane carries so many bytes a millisecond. */
class Transfer {
  readonly core = new SelectionCore({ guess: guesses['same-subnet'], isFar: false, mayTry: true });
  now = 0;
  readonly #lanes: { lane: number; way: string; rate: number; received: number; heard: number }[] = [];
  #received = 0;

  constructor() {
    this.core.handleCandidates([tcp, udp]);
    this.add(0, tcp, 1 * MB);
  }

  add(lane: number, way: typeof tcp, rate: number): Decision[] {
    this.#lanes.push({ lane, way: way.way, rate, received: 0, heard: 0 });
    return this.core.handleLane(this.now, lane, way, 'up');
  }

  /** Until something of the kind is decided; gives all that was decided with it. */
  until(what: Decision['what'], isCut = false): Decision[] {
    for (let steps = 0; steps < 100; steps++) {
      const decisions = this.#step(isCut);
      if (decisions.some((decision) => decision.what === what)) return decisions;
    }
    throw new Error(`no ${what} within 10 s`);
  }

  #step(isCut: boolean): Decision[] {
    this.now += stepMs;
    for (const lane of this.#lanes) {
      if (isCut) continue;
      lane.received += lane.rate * stepMs;
      lane.heard++;
      this.#received += lane.rate * stepMs;
    }
    const lanes = this.#lanes.map(({ lane, way, received, heard }): LaneSample => ({
      ...{ lane, way, receivedBytes: received, inFlightBytes: 1_000, heardBytes: heard },
      ...{ rttMs: 1, minRttMs: 1, lost: 0, isSuspect: false },
    }));
    const [receivedBytes, remainingBytes] = [this.#received, 1_000_000 * MB];
    return this.core.handleSample(this.now, { receivedBytes, remainingBytes, networkMs: this.now, lanes });
  }
}

function resting(): Transfer {
  const transfer = new Transfer();
  transfer.until('dial');
  transfer.add(1, udp, 1.5 * MB);
  expect(transfer.until('rest')).toMatchObject([{ what: 'rest', lanes: [0] }]);
  return transfer;
}

const resumed = (decisions: readonly Decision[]) =>
  decisions.filter(({ what }) => what === 'resume').map(({ lanes }) => lanes);

describe('SelectionCore', () => {
  it('who rests for a trial goes on when nothing at all is heard', () =>
    expect(resumed(resting().until('silent', true))).toEqual([[0]]));
});

describe('a fabric whose hardware moves the bytes', () => {
  const rdma = { way: 'rdma+efa://a:1', scheme: 'rdma+efa' };

  /** How long until something is dialled, beside a fast tcp, of which so much is left. */
  function triedAfterMs(candidate: typeof rdma & { isOffloaded?: boolean }, rate: number): number {
    const core = new SelectionCore({ guess: guesses['same-subnet'], isFar: false, mayTry: true });
    core.handleCandidates([tcp]);
    core.handleLane(0, 0, tcp, 'up');
    // Told of when the transfer runs already.
    core.handleCandidates([candidate]);
    for (let now = stepMs; now <= 60_000; now += stepMs) {
      const lane = { lane: 0, way: tcp.way, receivedBytes: rate * now, inFlightBytes: 1, heardBytes: now };
      const about = { rttMs: 1, minRttMs: 1, lost: 0, isSuspect: false };
      const [receivedBytes, remainingBytes, networkMs] = [rate * now, 4_000_000 * MB, now];
      const sample = { receivedBytes, remainingBytes, networkMs, lanes: [{ ...lane, ...about }] };
      if (core.handleSample(now, sample).some(({ what, way }) => what === 'dial' && way === candidate.way))
        return now;
    }
    return Infinity;
  }

  it('is tried at once, also beside a transfer that keeps the processor busy', () => {
    expect(triedAfterMs({ ...rdma, isOffloaded: true }, 800 * MB)).toBe(stepMs);
  });

  it('is waited with where the processor moves them', () => {
    expect(triedAfterMs(rdma, 800 * MB)).toBeGreaterThanOrEqual(1_000);
  });
});

describe('a path whose addresses are of one network, and whose round trips are long', () => {
  interface Path {
    readonly rttMs: number;
    readonly farGuess?: boolean;
    /** Bytes a millisecond that the lane in use carries, and what is left of the transfer in the end. */
    readonly rate?: number;
    readonly remainingBytes?: number;
  }

  /** When a way is dialled beside tcp, within 10 s. */
  function dialledAfterMs({ rttMs, farGuess = true, rate = 20 * MB, remainingBytes = 1e9 }: Path): number {
    const core = new SelectionCore({
      ...{ guess: guesses['same-subnet'], isFar: false, mayTry: true },
      ...(farGuess ? { farGuess: guesses['wide-area'] } : {}),
    });
    core.handleCandidates([tcp, udp]);
    core.handleLane(0, 0, tcp, 'up');
    for (let now = stepMs; now <= 10_000; now += stepMs) {
      const receivedBytes = rate * now;
      const lane = { lane: 0, way: tcp.way, receivedBytes, inFlightBytes: 1, heardBytes: now };
      const lanes = [{ ...lane, rttMs, minRttMs: rttMs, lost: 0, isSuspect: false }];
      const decisions = core.handleSample(now, { receivedBytes, remainingBytes, networkMs: now, lanes });
      if (decisions.some(({ what }) => what === 'dial')) return now;
    }
    return Infinity;
  }

  it('is guessed by those', () => {
    expect(dialledAfterMs({ rttMs: 100 })).toBe(stepMs);
    expect(dialledAfterMs({ rttMs: 100, farGuess: false })).toBeGreaterThan(stepMs);
    expect(dialledAfterMs({ rttMs: 1 })).toBeGreaterThan(stepMs);
  });
});

describe('behind a trial', () => {
  const quic = { way: 'quic://a:2', scheme: 'quic' };
  const rttMs = 100;

  /** udp wins from a tcp that is slow, and then needs `slowMs` until it carries what the path does; gives what was dialled. */
  function dialled(slowMs: number, remainingBytes: number): readonly string[] {
    const guess = guesses['wide-area'];
    const core = new SelectionCore({ guess, isFar: true, mayTry: true });
    core.handleCandidates([tcp, udp, quic]);
    core.handleLane(0, 0, tcp, 'up');
    const tried: string[] = [];
    let [own, wonAt] = [0, Infinity];
    for (let now = stepMs; now <= 8_000; now += stepMs) {
      const isSlow = now - Math.min(wonAt, now) < slowMs;
      if (tried.includes(udp.way)) own += (isSlow ? 4 * MB : 20 * MB) * stepMs;
      const about = { inFlightBytes: 1, heardBytes: now, rttMs, minRttMs: rttMs, lost: 0, isSuspect: false };
      const lanes = [
        ...(wonAt === Infinity ? [{ lane: 0, way: tcp.way, receivedBytes: 0.1 * MB * now, ...about }] : []),
        ...(tried.includes(udp.way) ? [{ lane: 1, way: udp.way, receivedBytes: own, ...about }] : []),
      ];
      const receivedBytes = 0.1 * MB * Math.min(now, wonAt) + own;
      for (const { what, way, lanes: closed } of core.handleSample(now, {
        ...{ receivedBytes, remainingBytes, networkMs: now, lanes },
      })) {
        if (what === 'dial') tried.push(way);
        if (what === 'dial' && way === udp.way) core.handleLane(now, 1, udp, 'up');
        if (what === 'prefer' && way === udp.way) wonAt = now;
        if (what === 'close' && closed.includes(0)) core.handleLane(now, 0, tcp, 'down');
      }
    }
    return tried;
  }

  it('who has won finds its pace before it is called slow', () => {
    expect(dialled(300, 40e6)).toEqual([udp.way]);
    expect(dialled(8_000, 1e9)).toEqual([udp.way, quic.way]);
  });

  it('a path that changes is looked at anew at once, also by who has just lost', () => {
    const core = new SelectionCore({ guess: guesses['same-site'], isFar: false, mayTry: true });
    core.handleCandidates([tcp, udp]);
    core.handleLane(0, 0, tcp, 'up');
    const dials: number[] = [];
    let received = 0;
    let lostAt = Infinity;
    let udpBytes = 0;
    for (let now = stepMs; now <= 8_000; now += stepMs) {
      // The trial is lost, for udp takes a fifth; soon behind it nothing carries what it did.
      const rate = now < lostAt + 300 ? 20 * MB : 1 * MB;
      const isTried = dials.length === 1 && lostAt === Infinity;
      received += rate * stepMs;
      if (isTried) udpBytes += (rate * stepMs) / 5;
      const about = { inFlightBytes: 1, heardBytes: now, rttMs: 10, minRttMs: 10, lost: 0, isSuspect: false };
      const lanes = [
        { lane: 0, way: tcp.way, receivedBytes: received - udpBytes, ...about },
        ...(isTried ? [{ lane: 1, way: udp.way, receivedBytes: udpBytes, ...about }] : []),
      ];
      const sample = { receivedBytes: received, remainingBytes: 1e9, networkMs: now, lanes };
      for (const { what, way } of core.handleSample(now, sample)) {
        if (what === 'dial') dials.push(now);
        if (what === 'dial' && dials.length === 1) core.handleLane(now, 1, udp, 'up');
        if (what === 'close' && way === udp.way) lostAt = now;
      }
    }
    expect(lostAt).toBeLessThan(5_000);
    expect(dials[1]).toBeLessThanOrEqual(lostAt + 1_000);
  });

  it.each([
    ['looked at by all that there are where it stays slow', Infinity, [udp.way, quic.way]],
    ['looked at by no other once it is as fast as before', 600, [udp.way]],
  ])('a path that falls is %s', (_, slowMs, expected) => {
    const core = new SelectionCore({ guess: guesses['same-subnet'], isFar: false, mayTry: true });
    core.handleCandidates([tcp, udp, quic]);
    core.handleLane(0, 0, tcp, 'up');
    const dialled: string[] = [];
    let [receivedBytes, failsAt] = [0, Infinity];
    for (let now = stepMs; now <= 6_000; now += stepMs) {
      receivedBytes += (now > 3_000 && now <= 3_000 + slowMs ? 1 : 20) * MB * stepMs;
      const lane = { lane: 0, way: tcp.way, receivedBytes, inFlightBytes: 1, heardBytes: now, lost: 0 };
      const lanes = [{ ...lane, rttMs, minRttMs: rttMs, isSuspect: false }];
      // Too little for a look without a reason.
      const sample = { receivedBytes, remainingBytes: 60e6, networkMs: now, lanes };
      for (const { what, way } of core.handleSample(now, sample)) {
        if (what !== 'dial') continue;
        dialled.push(way);
        failsAt = now + 700;
      }
      if (now >= failsAt && dialled.length === 1) core.handleDialFailed(now, dialled[0] ?? '');
    }
    expect(dialled).toEqual(expected);
  });

  it('the next is not tried for what is over before it is known', () => {
    expect(dialled(0, 30e6)).toEqual([udp.way]);
    expect(dialled(0, 4e9)).toEqual([udp.way, quic.way]);
  });
});
