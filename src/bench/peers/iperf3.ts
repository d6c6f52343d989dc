import { benchDefaults } from '../../config/index.js';
import { XferError } from '../../errors/index.js';
import type { BenchWork } from '../work.js';
import { iperf3Error, iperf3Result } from './iperf3-result.js';
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
    const { work, place, lanes } = context.setup;
    if (!('timeMs' in work.limit) && work.isBothWays)
      throw new XferError('ERR_XFER_USAGE', 'iperf3 counts no blocks both ways at once', {
        remedy: 'say --time instead of --iterations',
      });
    const flags = iperf3Flags(work, lanes);
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
        const iterations = Math.floor(totalBytes / work.bytes);
        // Its time may be over before, where a path is slow: there is no time of a message then.
        if (iterations === 0)
          throw new XferError('ERR_XFER_TIMEOUT', 'iperf3 carried no whole message in its time', {
            remedy: 'give it a longer --time, or a smaller --size',
          });
        return { iterations, totalBytes, seconds, path };
      },
      whyFailed: iperf3Error,
    });
  },
};

/** Its time is in whole seconds. As many connections as those beside it have, each with all of the work. */
export function iperf3Flags(
  { bytes, limit, isBothWays }: Pick<BenchWork, 'bytes' | 'limit' | 'isBothWays'>,
  lanes = 1,
): readonly string[] {
  const blockBytes = Math.min(bytes, maxBlockBytes);
  const until =
    'timeMs' in limit
      ? ['-t', String(Math.max(1, Math.ceil(limit.timeMs / 1000)))]
      : ['-n', String(bytes * limit.iterations * lanes)];
  return [
    ...until,
    ...['-l', String(blockBytes)],
    ...(lanes > 1 ? ['-P', String(lanes)] : []),
    ...(isBothWays ? ['--bidir'] : []),
  ];
}
