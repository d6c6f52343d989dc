import { probeTransport } from '../app/doctor-transports.js';
import { asXferError } from '../errors/index.js';
import { bareConnection, type BareConnection } from './bare-connection.js';
import type { BenchSetup, Contestant } from './contract.js';
import type { BenchSkipped } from './report.js';
import { benchId } from './bare-end.js';
import { benchWays, type BenchWay } from './ends.js';
import { streamsLimits } from './streams-limits.js';
import { runStreams } from './streams-run.js';

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
  let bare: BareConnection | undefined;
  try {
    const { connection, close } = (bare = await bareConnection(setup, way, streamsLimits()));
    const { work, signal, hops } = setup;
    const id = await benchId(setup);
    // Warms up, and finds how many may be open at once.
    const { atOnce } = await runStreams(connection, { id, work, signal });
    const over = hops === 0 ? '' : `, over ${hops} ${hops === 1 ? 'relay' : 'relays'}`;
    return {
      name,
      kind: 'xfer',
      transport: name,
      loops: 'javascript',
      isSealed: false,
      how: `${atOnce} streams at once on one connection${over}`,
      run: (onProgress) => runStreams(connection, { id, work, signal, mostAtOnce: atOnce, onProgress }),
      close,
    };
  } catch (thrown) {
    await bare?.close();
    setup.signal.throwIfAborted();
    const { code, message, remedy } = asXferError(thrown);
    return { name, code, reason: message, remedy };
  }
}
