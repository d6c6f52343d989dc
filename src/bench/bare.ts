import { fabricApi } from '../native/load-fabric.js';
import type { Connection } from '../transport/contract.js';
import { BareEnd, benchId, overRelays, reachEnd } from './bare-end.js';
import { withCpu } from './bare-cpu.js';
import { runLanes } from './bare-lanes.js';
import { benchDefaults } from '../config/index.js';
import type { BenchSetup, Contestant, ContestantSource, KeptThing } from './contract.js';
import { benchWays, type BenchWay } from './ends.js';
import { nativeError, nativeProviders } from './native-end.js';
import { nativeLoops, type NativeLoops } from './native-loops.js';
import type { BenchSkipped } from './report.js';
import { isBarePattern } from './run.js';

/**
 * Transports as they are, unsealed, from memory to memory: streams of connections in JavaScript, as xfer itself sees them, and
 * over a fabric loops in native code beside those, where both ends have them.
 */
export const bareTransports: ContestantSource = async function* (setup) {
  const { work, transports, use, target, place, kept } = setup;
  if (!isBarePattern(work.pattern) || !place.isHere) return;
  for (const way of benchWays(transports, use, target)) {
    const end = await kept.get(`bare: ${way.transport}`, () => reachEnd(way, setup));
    if (!(end instanceof BareEnd)) {
      yield end.skipped;
      continue;
    }
    const native = await nativeContestant(way, end, setup);
    if (native) yield native;
    yield await streamContestant(way, end, setup);
  }
};

async function streamContestant(
  { transport }: BenchWay,
  end: BareEnd,
  setup: BenchSetup,
): Promise<Contestant | BenchSkipped> {
  const { work, lanes = 1, hops, signal, place } = setup;
  const { isAlone } = place;
  const count = work.pattern === 'memory' ? lanes : 1;
  if (count * work.bytes > benchDefaults.maxTurnBytes)
    return {
      ...{ name: transport, code: 'ERR_XFER_LIMIT' },
      reason: `${count} lanes with messages of ${work.bytes} bytes are more than the other end takes at once`,
      remedy: `fewer lanes, or messages with ${benchDefaults.maxTurnBytes / 2 ** 20} MiB in all lanes together`,
    };
  const id = await benchId(setup);
  return {
    ...{ name: transport, kind: 'xfer', transport, loops: 'javascript', isSealed: false },
    ...(hops > 0 ? { how: overRelays(hops) } : {}),
    run: (onProgress) =>
      withCpu(setup, end, (onMeasure) =>
        runLanes({ ...{ end, id, work, lanes: count, signal, isAlone }, onProgress, onMeasure }),
      ),
    close: () => Promise.resolve(),
  };
}

/** One endpoint there and one here, through all works; undefined: there can be none, or not for this work. */
async function nativeContestant(
  { transport }: BenchWay,
  end: BareEnd,
  setup: BenchSetup,
): Promise<Contestant | BenchSkipped | undefined> {
  const { work, lanes = 1, hops, kept, signal } = setup;
  const { pattern } = work;
  if (!isBarePattern(pattern) || work.isBothWays || lanes > 1 || hops > 0) return undefined;
  const { loops, skipped } = await kept.get(`bare: ${transport}, native`, () =>
    openNative(transport, end, setup),
  );
  if (skipped) return skipped;
  if (!loops || work.bytes > benchDefaults.nativeLargeBytes) return undefined;
  return {
    ...{ name: `${transport}, native`, kind: 'xfer', transport, loops: 'native', isSealed: false },
    provider: loops.provider,
    run: async (onProgress) => {
      signal.throwIfAborted();
      const began = performance.now();
      const tell = (): void => onProgress({ seconds: (performance.now() - began) / 1000, bytes: 0 });
      const timer = setInterval(tell, benchDefaults.progressMs);
      try {
        return await withCpu(setup, end, (onMeasure) =>
          loops.run(pattern, work.bytes, work.limit, onMeasure),
        );
      } finally {
        clearInterval(timer);
      }
    },
    close: () => Promise.resolve(),
  };
}

interface OpenedNative extends KeptThing {
  readonly loops?: NativeLoops;
  readonly skipped?: BenchSkipped;
}

/** Over a connection of its own, by which both ends agree. */
async function openNative(transport: string, end: BareEnd, setup: BenchSetup): Promise<OpenedNative> {
  const { signal, tuning } = setup;
  let connection: Connection | undefined;
  const none = { close: () => undefined };
  try {
    connection = await end.take();
    const fabric = connection.capabilities.isFabric === true ? await fabricApi() : undefined;
    const providers = fabric?.ok ? await nativeProviders(fabric.api, end.address, tuning, end.isLocal) : [];
    const loops = fabric?.ok
      ? await nativeLoops(connection, fabric.api, providers, await benchId(setup), signal)
      : undefined;
    if (loops) return { loops, close: () => loops.close() };
    end.give(connection);
    return none;
  } catch (thrown) {
    signal.throwIfAborted();
    if (connection) end.give(connection);
    const { code, message, remedy } = nativeError(thrown);
    return { ...none, skipped: { name: `${transport}, native`, code, reason: message, remedy } };
  }
}
