import { describe, expect, it } from 'vitest';
import { verdictOf } from '../../../src/app/doctor-verdict.js';
import type { PathFinding } from '../../../src/app/finding.js';

const MB = 1e6;
const facts = { bufferBytes: 8 * 2 ** 20, sealing: 2000 * MB, hearsRefusals: true, isSameHost: false };
const port: Readonly<Record<string, number>> = { quic: 4841, wss: 443 };
const addressOf = (transport: string) => `${transport}://host:${port[transport] ?? 4840}`;

const works = (transport: string, rest: Partial<PathFinding> = {}): PathFinding => ({
  ...{ address: addressOf(transport), transport, state: 'works', connectMs: 1, minRttMs: 1, rttMs: 1 },
  ...rest,
});
const fails = (transport: string, code: string): PathFinding => ({
  ...{ address: addressOf(transport), transport, state: 'fails', code, detail: 'no' },
});
const silent = (transport: string) => fails(transport, 'ERR_XFER_TIMEOUT');
const said = (...paths: readonly PathFinding[]) => verdictOf(paths, facts).conclusions.join(' ');

describe('the best transport', () => {
  it('is the fastest, and by how much', () => {
    const verdict = verdictOf(
      [works('tcp', { goodput: 20 * MB }), works('udp', { goodput: 84 * MB })],
      facts,
    );
    expect(verdict).toEqual({
      best: 'udp://host:4840',
      conclusions: ['udp is best here: it carries 84.0 MB/s, 4.2 times what tcp does (20.0 MB/s).'],
      remedies: ['xfer send PATH udp://host:4840'],
    });
  });

  it('is tcp among those that are as fast, for it is what gets through everywhere', () => {
    const { best, conclusions } = verdictOf(
      [
        works('ws', { goodput: 99 * MB }),
        works('udp', { goodput: 100 * MB }),
        works('tcp', { goodput: 95 * MB }),
      ],
      facts,
    );
    expect(best).toBe('tcp://host:4840');
    expect(conclusions[0]).toBe('tcp is as good here as any: it carries 95.0 MB/s, udp 100 MB/s.');
  });

  it('is the nearest where the other side does not measure', () => {
    const old = { unmeasured: 'not offered' } as const;
    const verdict = verdictOf(
      [works('tcp', { ...old, minRttMs: 9 }), works('udp', { ...old, minRttMs: 3 })],
      facts,
    );
    expect(verdict.best).toBe('udp://host:4840');
    expect(verdict.conclusions).toEqual([
      'udp works, and answers first.',
      'The other side does not measure: it is an older xfer, or runs with --no-measure.',
    ]);
  });

  it('is the only one', () => {
    expect(said(works('tcp', { goodput: 5 * MB }))).toMatch(/^tcp carries 5.00 MB\/s, and is the only one/);
    expect(said(works('tcp', { unmeasured: 'busy' }))).toMatch(/^tcp works\. The other side was busy/);
  });

  it('is none where nothing answers', () => {
    const verdict = verdictOf([fails('tcp', 'ERR_XFER_CONNECTION_REFUSED'), silent('udp')], facts);
    expect(verdict.best).toBeUndefined();
    expect(verdict.conclusions).toEqual(['Nothing answers there.', 'Nothing listens at tcp://host:4840.']);
    expect(verdict.remedies).toEqual([]);
  });
});

describe('what is blocked', () => {
  it('is UDP, where only that is silent', () => {
    expect(said(works('tcp'), silent('udp'), silent('quic'))).toContain(
      'UDP seems blocked on the way: nothing comes back from udp://host:4840, quic://host:4841.',
    );
  });

  it('may be UDP, where nobody is told that nothing listens', () => {
    const { conclusions } = verdictOf([works('tcp'), silent('udp')], { ...facts, hearsRefusals: false });
    expect(conclusions.join(' ')).toMatch(
      /UDP is blocked on the way, or nothing listens there, .* udp:\/\/host:4840\./,
    );
  });

  it('is not UDP, where one of two answers, or says that nothing listens', () => {
    expect(said(works('tcp'), works('udp'), silent('quic'))).not.toContain('blocked');
    const refused = said(works('tcp'), fails('udp', 'ERR_XFER_CONNECTION_REFUSED'));
    expect(refused).toContain('Nothing listens at udp://host:4840.');
    expect(refused).not.toContain('blocked');
  });

  it('is TCP, where only that is silent', () => {
    expect(said(works('udp'), silent('tcp'), silent('ws'))).toContain('TCP seems blocked on the way');
  });

  it('is all but 443', () => {
    expect(said(works('wss'), silent('tcp'), silent('udp'))).toContain('Only port 443 gets through.');
    expect(said(works('wss'))).not.toContain('443');
  });
});

describe('what slows the path down', () => {
  it('is loss', () => {
    expect(said(works('udp', { goodput: MB, lossShare: 0.012 }))).toContain(
      'The path loses 1.2 % of the packets',
    );
    expect(said(works('udp', { goodput: MB, lossShare: 0.0002 }))).not.toContain('loses');
  });

  it('is no loss of the path that the measuring itself made', () => {
    const lossy = works('udp', { goodput: 100 * MB, lossShare: 0.02 });
    expect(said(lossy, works('tcp', { goodput: 300 * MB }))).not.toContain('loses');
    expect(said(lossy, works('tcp', { goodput: 20 * MB }))).toContain('loses 2.0 %');
    // QUIC says by itself that it lost some, too.
    expect(said(lossy, works('quic', { goodput: 110 * MB, lossShare: 0.01 }))).toContain('loses');
    const { conclusions } = verdictOf([lossy], { ...facts, isSameHost: true });
    expect(conclusions.join()).not.toContain('loses');
  });

  it('is socket buffers that hold less than the path, with what makes them larger', () => {
    const far = works('udp', { goodput: 100 * MB, minRttMs: 50 });
    const bufferRemedy = 'sysctl -w this';
    const verdict = verdictOf([far], { ...facts, bufferBytes: 212_992, bufferRemedy });
    expect(verdict.conclusions.join()).toContain(
      "The path holds 5.00 MB (bandwidth × delay), more than the 213 kB of this machine's socket buffers.",
    );
    expect(verdict.remedies).toEqual(['xfer send PATH udp://host:4840', bufferRemedy]);
    // Those are as large as xfer wants them, so nothing is to be done.
    const farther = works('udp', { goodput: 1000 * MB, minRttMs: 50 });
    expect(verdictOf([farther], facts).remedies).toHaveLength(1);
    expect(verdictOf([farther], facts).conclusions.join()).not.toContain('holds');
  });

  it('is the processor', () => {
    const { conclusions } = verdictOf([works('tcp', { goodput: 900 * MB })], { ...facts, sealing: 300 * MB });
    expect(conclusions.at(-1)).toMatch(/faster than one core seals \(300 MB\/s\)/);
  });
});
