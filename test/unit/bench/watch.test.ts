import { describe, expect, it } from 'vitest';
import { PassHistory } from '../../../src/bench/pass-history.js';
import type { BenchReport } from '../../../src/bench/report.js';
import { watchBench } from '../../../src/bench/watch.js';
import { benchDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import { fileContestants, fileWork, rowOf } from '../../support/bench-feed.js';

const row = rowOf(fileWork, fileContestants[0]!);
const skipped = {
  name: 'tcp',
  code: 'ERR_XFER_CONNECTION_REFUSED',
  reason: 'nobody listens',
  remedy: 'start it',
};

function report(changes: Partial<BenchReport> = {}): BenchReport {
  return {
    ...{ schema: 'xfer-bench', version: 2, machine: 'm', cores: 2, kernel: 'k', node: 'v20', xfer: '0.1.0' },
    ...{ commit: null, date: '2026-01-02T03:04:05.000Z', rows: [row], skipped: [] },
    parameters: {
      ...{ works: [], repeats: 1, target: null, transports: [], peers: [], hops: 0, lanes: null },
      ...{ recordBytes: null, congestion: null, mtuBytes: null, provider: null, link: null },
      ...{ isSealed: true, isBothWays: false },
    },
    verdict: { bottleneck: 'unknown', findings: [], advice: [] },
    ...changes,
  };
}

/** Watches passes that end so, is interrupted behind the last of them, and says what was told meanwhile. */
async function watched(
  passes: readonly (BenchReport | Error)[],
): Promise<{ told: string[]; ended: unknown }> {
  const told: string[] = [];
  const controller = new AbortController();
  const interrupted = new XferError('ERR_XFER_INTERRUPTED', 'interrupted');
  const ended: unknown = await watchBench(
    async (pass) => {
      const result = passes[pass - 1];
      if (result instanceof Error) throw result;
      if (result) return result;
      controller.abort(interrupted);
      throw new Error('a run that was cut off');
    },
    {
      ...{ signal: controller.signal, pauseMs: 0 },
      onPass: (pass) => void told.push(`pass ${pass}`),
      onReport: ({ rows }, pass) => void told.push(`report ${pass}: ${rows.length}`),
      onFailed: ({ code }, pass) => void told.push(`failed ${pass}: ${code}`),
    },
  ).catch((thrown: unknown) => thrown);
  return { told, ended };
}

describe('a bench that is watched', () => {
  it('is repeated until it is interrupted, each pass with its report', async () => {
    const { told, ended } = await watched([report(), report()]);
    expect(told).toEqual(['pass 1', 'report 1: 1', 'pass 2', 'report 2: 1', 'pass 3']);
    expect(ended).toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
  });

  it('waits for a path that is away', async () => {
    const away = new XferError('ERR_XFER_CONNECTION_REFUSED', 'nobody listens');
    const { told } = await watched([report(), away, report({ rows: [], skipped: [skipped] }), report()]);
    expect(told.filter((line) => !line.startsWith('pass'))).toEqual([
      'report 1: 1',
      'failed 2: ERR_XFER_CONNECTION_REFUSED',
      'failed 3: ERR_XFER_CONNECTION_REFUSED',
      'report 4: 1',
    ]);
  });

  it.each([
    [
      'whatever the first pass fails with',
      [new XferError('ERR_XFER_CONNECTION_REFUSED', 'no')],
      'CONNECTION_REFUSED',
    ],
    [
      'a first pass that has measured nothing',
      [report({ rows: [], skipped: [skipped] })],
      'CONNECTION_REFUSED',
    ],
    ['a later one that no further try can help', [report(), new XferError('ERR_XFER_USAGE', 'no')], 'USAGE'],
    ['a defect', [report(), new TypeError('no')], 'INTERNAL'],
    ['nothing to be measured later', [report(), report({ rows: [] })], 'NO_TRANSPORT'],
  ])('ends with %s', async (_what, passes, code) => {
    const { told, ended } = await watched(passes);
    expect(ended).toMatchObject({ code: `ERR_XFER_${code}` });
    expect(told.filter((line) => line.startsWith('pass'))).toHaveLength(passes.length);
  });

  it('keeps no more of each contestant than so many passes, without their single runs', () => {
    const history = new PassHistory();
    for (let pass = 0; pass < benchDefaults.keptPasses + 3; pass++)
      history.add({ ...row, bytesPerSecond: pass });
    const kept = history.of(row);
    expect(kept).toHaveLength(benchDefaults.keptPasses);
    expect(kept.at(-1)).toMatchObject({ bytesPerSecond: benchDefaults.keptPasses + 2 });
    expect(kept[0]).not.toHaveProperty('samples');
    expect(history.of({ id: 'another' })).toEqual([]);
  });
});
