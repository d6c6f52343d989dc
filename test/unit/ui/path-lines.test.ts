import { describe, expect, it } from 'vitest';
import type { PathFinding } from '../../../src/app/finding.js';
import { pathLine, pathsHead, verdictLine } from '../../../src/ui/path-lines.js';
import { tableStyle } from '../../../src/ui/table-style.js';

const narrow = tableStyle({ json: false }, { isTTY: true, columns: 80 }, { NO_COLOR: '1' });
const wide = tableStyle({ json: false }, { isTTY: true, columns: 120 }, { NO_COLOR: '1' });
const programs = tableStyle({ json: true }, {}, {});

const udp: PathFinding = {
  ...{ address: 'udp://host:4840', transport: 'udp', state: 'works', connectMs: 12.34 },
  ...{ minRttMs: 0.42, rttMs: 5.06, lossShare: 0.0123, mtuBytes: 1500, mtuOf: 'path', goodput: 98.7e6 },
};
const tcp: PathFinding = {
  ...{ address: 'tcp://host:4840', transport: 'tcp', state: 'works', connectMs: 123 },
  ...{ unmeasured: 'not offered' },
};
const silent: PathFinding = {
  ...{ address: 'quic://host:4841', transport: 'quic', state: 'fails' },
  ...{ code: 'ERR_XFER_TIMEOUT', detail: 'host:4841: it did not answer within five seconds of the dial' },
};

describe('the table of paths', () => {
  it('has its columns below their titles, within 80 columns', () => {
    const lines = [
      pathsHead('host', narrow),
      pathLine(udp, narrow),
      pathLine(tcp, narrow),
      pathLine(silent, narrow),
    ]
      .join('\n')
      .split('\n');
    expect(lines.map((line) => line.trimEnd())).toEqual([
      '',
      'the path to host',
      '                    connect   round trip      loss      MTU       goodput',
      'works    udp        12 ms     0.42 / 5.1 ms   1.2 %     1500      98.7 MB/s',
      'works    tcp        123 ms    not told        not told  not told  not offered',
      'fails    quic       host:4841: it did not answer within five seconds of the dial',
      '                    (ERR_XFER_TIMEOUT)',
    ]);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  it('tells a transport at 443 from the same at its own port', () => {
    const aside = (path: PathFinding) => ({ ...path, address: `${path.transport}://host:443` });
    expect(pathLine(aside(tcp), narrow)).toMatch(/^works {4}tcp:443 {4}123 ms/);
    expect(pathLine(aside(silent), narrow)).toMatch(/^fails {4}quic:443 {3}host/);
  });

  it('has the addresses where there is room', () => {
    expect(pathLine(udp, wide)).toMatch(/98\.7 MB\/s {2}udp:\/\/host:4840$/);
    expect(pathLine(udp, wide).length).toBeLessThanOrEqual(120);
  });

  it('is an object a line for programs, without a head', () => {
    expect(pathsHead('host', programs)).toBeUndefined();
    expect(JSON.parse(pathLine(udp, programs))).toEqual({ event: 'path', ...udp });
  });

  it('cannot be commanded by what the other side says', () => {
    const nasty = { ...silent, detail: '\u001b[2J\nworks    udp', address: '\u001b[1m' };
    for (const style of [narrow, wide, programs]) {
      expect(pathLine(nasty, style)).not.toContain('\u001b');
      expect(pathLine(nasty, style)).not.toMatch(/^works/m);
    }
  });
});

describe('the verdict', () => {
  const verdict = {
    best: 'udp://host:4840',
    conclusions: ['udp is best.', 'So it is.'],
    remedies: ['xfer send'],
  };

  it('is sentences, and what to type', () => {
    expect(verdictLine(verdict, narrow)).toBe('\nudp is best.\nSo it is.\n  try: xfer send');
  });

  it('is one object for programs, whose best is null where there is none', () => {
    expect(JSON.parse(verdictLine(verdict, programs))).toEqual({ event: 'verdict', ...verdict });
    const nothing = { conclusions: ['Nothing answers there.'], remedies: [] };
    expect(JSON.parse(verdictLine(nothing, programs))).toEqual({ event: 'verdict', best: null, ...nothing });
  });
});
