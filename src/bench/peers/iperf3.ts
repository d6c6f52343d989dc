import { benchDefaults } from '../../config/index.js';
import { XferError } from '../../errors/index.js';
import type { BenchWork } from '../work.js';
import { iperf3Result } from './iperf3-result.js';
import { measuringRuns } from './measuring-runs.js';
import { pathIn, type PeerTool } from './tool.js';

/** It takes no longer blocks over TCP. */
const maxBlockBytes = 1 << 20;

export const iperf3: PeerTool = {
  name: 'iperf3',
  isSealed: false,
  patterns: { memory: 'both ways' },
  // Both ways at once since 3.7.
  needs: [
    {
      ...{ name: 'iperf3', packageName: 'iperf3', ask: ['--version'], says: /^iperf (\d+\.\d+)/m },
      least: [3, 7],
    },
  ],
  open(context) {
    const { work, place } = context.setup;
    if (!('timeMs' in work.limit) && work.isBothWays)
      throw new XferError('ERR_XFER_USAGE', 'iperf3 counts no blocks both ways at once', {
        remedy: 'say --time instead of --iterations',
      });
    const flags = iperf3Flags(work);
    const program = pathIn(context, 'iperf3');
    return measuringRuns('iperf3', context, {
      how: ['iperf3', ...flags].join(' '),
      server: (port) => [program, '-s', '-1', '-B', place.farHost, '-p', String(port)],
      client: (port) => [program, '-c', place.farHost, '-p', String(port), '-J', ...flags],
      endsItself: true,
      limitMs:
        ('timeMs' in work.limit ? work.limit.timeMs : benchDefaults.runMs) + benchDefaults.toolSilenceMs,
      resultOf: (output) => {
        const { totalBytes, seconds, path } = iperf3Result(output);
        return { iterations: Math.floor(totalBytes / work.bytes), totalBytes, seconds, path };
      },
    });
  },
};

/** Its time is in whole seconds. */
export function iperf3Flags({
  bytes,
  limit,
  isBothWays,
}: Pick<BenchWork, 'bytes' | 'limit' | 'isBothWays'>): readonly string[] {
  const blockBytes = Math.min(bytes, maxBlockBytes);
  const until =
    'timeMs' in limit
      ? ['-t', String(Math.max(1, Math.ceil(limit.timeMs / 1000)))]
      : ['-n', String(bytes * limit.iterations)];
  return [...until, '-l', String(blockBytes), ...(isBothWays ? ['--bidir'] : [])];
}
