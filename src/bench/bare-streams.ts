import { probeTransport } from '../app/doctor-transports.js';
import { asXferError, XferError } from '../errors/index.js';
import { withCpu } from './bare-cpu.js';
import { openBareWay, type BareWay } from './bare-way.js';
import type { BenchSetup, Contestant } from './contract.js';
import type { BenchSkipped } from './report.js';
import { benchId, overRelays } from './bare-end.js';
import { benchWays, type BenchWay } from './ends.js';
import { streamsLimits } from './streams-limits.js';
import { runStreams, type StreamsResult, type StreamsRunOptions } from './streams-run.js';

const probeTimeoutMs = 5_000;

/** The pattern `streams` on bare transports, each over one connection to the other end of benches. */
export async function* bareStreams(setup: BenchSetup): AsyncGenerator<Contestant | BenchSkipped> {
  const { work, use, transports, place, signal, target } = setup;
  // Behind a link a process there does it, as one that sees the link.
  if (work.pattern !== 'streams' || !place.isHere) return;
  for (const way of benchWays(transports, use, target)) {
    const { transport: name, scheme } = way;
    const probe = await probeTransport(transports, scheme, probeTimeoutMs, signal);
    if (probe.ok) yield await contestant(setup, way);
    else yield { name, code: probe.code, reason: probe.reason, remedy: probe.remedy };
  }
}

async function contestant(setup: BenchSetup, way: BenchWay): Promise<Contestant | BenchSkipped> {
  const { transport: name } = way;
  const { work, signal, hops } = setup;
  let bare: BareWay | undefined;
  try {
    const opened = (bare = await openBareWay(setup, way, streamsLimits()));
    const { dial, close } = opened;
    const id = await benchId(setup);
    // Each on a connection of its own: the other end closes those that wait for the next round.
    const run = async (options: Partial<StreamsRunOptions>): Promise<StreamsResult> => {
      const connection = await dial();
      try {
        return await runStreams(connection, { id, work, signal, ...options });
      } finally {
        connection.abort(new XferError('ERR_XFER_INTERRUPTED', 'the run is over'));
      }
    };
    // Warms up, and finds how many may be open at once.
    const { atOnce } = await run({});
    const over = hops === 0 ? '' : `, ${overRelays(hops)}`;
    return {
      ...{ name, kind: 'xfer', transport: name, loops: 'javascript', isSealed: false },
      how: `${atOnce} streams at once on one connection${over}`,
      run: (onProgress) =>
        withCpu(setup, opened, (onMeasure) => run({ mostAtOnce: atOnce, onProgress, onMeasure })),
      close,
    };
  } catch (thrown) {
    await bare?.close();
    signal.throwIfAborted();
    const { code, message, remedy } = asXferError(thrown);
    return { name, code, reason: message, remedy };
  }
}
