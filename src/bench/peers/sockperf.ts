import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { benchDefaults } from '../../config/index.js';
import { XferError } from '../../errors/index.js';
import { Histogram } from '../../app/histogram.js';
import { measuringRuns } from './measuring-runs.js';
import { pathIn, type PeerTool } from './tool.js';

/** Of its TCP. */
const leastBytes = 14;
const mostBytes = 65_507;

/** A message there and back by turns over TCP. */
export const sockperf: PeerTool = {
  name: 'sockperf',
  isSealed: false,
  patterns: { latency: 'one way' },
  needs: [
    { name: 'sockperf', packageName: 'sockperf', ask: ['--version'], says: /sockperf, version (\d+\.\d+)/ },
  ],
  open(context) {
    const { work, place } = context.setup;
    if (work.bytes < leastBytes || work.bytes > mostBytes)
      throw new XferError(
        'ERR_XFER_USAGE',
        `sockperf takes messages of ${leastBytes} to ${mostBytes} bytes`,
        {
          remedy: 'leave it out, or choose another --size',
        },
      );
    if (!('timeMs' in work.limit))
      throw new XferError('ERR_XFER_USAGE', 'sockperf runs for a time', {
        remedy: 'say --time instead of --iterations',
      });
    const seconds = Math.max(1, Math.ceil(work.limit.timeMs / 1000));
    const program = pathIn(context, 'sockperf');
    const log = join(context.directory, 'log.csv');
    const flags = ['--tcp', '-t', String(seconds), '-m', String(work.bytes)];
    const at = (port: number): readonly string[] => ['-i', place.farHost, '-p', String(port)];
    return measuringRuns('sockperf', context, {
      how: ['sockperf ping-pong', ...flags].join(' '),
      server: (port) => [program, 'server', '--tcp', ...at(port)],
      client: (port) => [program, 'ping-pong', ...flags, ...at(port), '--full-log', log],
      endsItself: false,
      limitMs: seconds * 1000 + benchDefaults.toolSilenceMs,
      resultOf: async () => {
        const halfTrips = halvesOf(await readFile(log, 'latin1').catch(() => ''));
        await rm(log, { force: true });
        const iterations = halfTrips.count;
        if (iterations === 0) throw new XferError('ERR_XFER_COMMAND_FAILED', 'sockperf logged no round trip');
        return {
          iterations,
          totalBytes: 2 * iterations * work.bytes,
          seconds: (2 * iterations * halfTrips.averageUs) / 1e6,
          halfTrips,
        };
      },
    });
  },
};

/** Halves of the round trips in its log: lines of a number, when it went and came back in seconds, and the half in microseconds. */
export function halvesOf(log: string): Histogram {
  const halves = new Histogram();
  for (const [, us] of log.matchAll(/^\d+, \d+\.\d+, \d+\.\d+, (\d+\.\d+)$/gm)) halves.add(Number(us));
  return halves;
}
