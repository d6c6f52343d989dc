import { unlessAborted } from '../app/unless-aborted.js';
import { asXferError, XferError } from '../errors/index.js';
import type { BenchSetup, Contestant, ContestantSource, KeptThing, StartedRelay } from './contract.js';
import { benchWays, type BenchWay } from './ends.js';
import { startLocalBench } from './local-end.js';
import { NearChild } from './near-child.js';
import { unpackResult, type FoundNear, type NearSetup } from './near-message.js';
import { startRelays } from './relays.js';
import type { BenchSkipped } from './report.js';
import type { BenchPattern } from './work.js';

/** Those that run inside of a process: others are by processes of their own, which are started at the near end. */
const inside: readonly BenchPattern[] = ['latency', 'memory', 'streams'];

/**
 * Whoever runs inside of this process, where that is not at the near end of the place: an xfer there runs them in its place,
 * one through all works, so that nothing of its start is in any run.
 */
export const nearEnd: ContestantSource = async function* (setup) {
  const { work, place, transports, use, target, kept } = setup;
  if (place.isHere || target !== undefined || !inside.includes(work.pattern)) return;
  const child = await kept.get('near: process', () => Promise.resolve(new NearChild(place.near)));
  for (const way of benchWays(transports, use, undefined)) {
    const far = await farEnd(way, setup);
    if (far.skipped) {
      yield far.skipped;
      continue;
    }
    const answer = await orEnded(setup, child, () =>
      child.ask({ ask: 'find', setup: nearSetup(setup, way, far) }),
    );
    if (answer.answer !== 'found') throw unexpected();
    for (const found of answer.found) yield 'about' in found ? contestantOf(found, child, setup) : found;
  }
};

function contestantOf({ number, about }: FoundNear, child: NearChild, setup: BenchSetup): Contestant {
  return {
    ...about,
    run: async (onProgress) => {
      const answer = await orEnded(setup, child, () => child.ask({ ask: 'run', number }, onProgress));
      if (answer.answer !== 'ran') throw unexpected();
      return unpackResult(answer.result);
    },
    close: async () => {
      await child.ask({ ask: 'close', number }).catch(() => undefined);
    },
  };
}

/** With the signal the process ends, and all that runs in it. */
async function orEnded<Value>(
  { signal }: BenchSetup,
  child: NearChild,
  work: () => Promise<Value>,
): Promise<Value> {
  signal.throwIfAborted();
  try {
    return await unlessAborted(signal, work());
  } catch (thrown) {
    if (signal.aborted) await child.close();
    throw thrown;
  }
}

type FarEnd =
  | { readonly address: string; readonly relays: readonly StartedRelay[]; readonly skipped?: never }
  | { readonly skipped: BenchSkipped };

/** One of each transport through all works, and beside it the relays before it, behind the link as those of transfers are. */
function farEnd({ transport, scheme }: BenchWay, setup: BenchSetup) {
  const { place, tuning, kept, signal } = setup;
  return kept.get(`near: ${transport}`, async (): Promise<FarEnd & KeptThing> => {
    const starting = startLocalBench(scheme, tuning, place);
    try {
      const { address, stop } = await unlessAborted(signal, starting);
      const { addresses, pids, close } = await startRelays(setup, transport);
      return {
        address,
        relays: addresses.map((relay, at) => ({ address: relay, pid: pids[at] ?? 0 })),
        close: async () => {
          await close();
          stop();
        },
      };
    } catch (thrown) {
      void starting.then(
        ({ stop }) => stop(),
        () => undefined,
      );
      signal.throwIfAborted();
      const { code, message, remedy } = asXferError(thrown);
      return { skipped: { name: transport, code, reason: message, remedy }, close: () => undefined };
    }
  });
}

function nearSetup(
  setup: BenchSetup,
  { transport }: BenchWay,
  { address: target, relays }: Exclude<FarEnd, { skipped: BenchSkipped }>,
): NearSetup {
  const { work, tuning, place, hops, lanes, recordBytes, isSealed, countsCpu, directory } = setup;
  return {
    ...{ work, tuning, hops, isSealed, countsCpu, directory, target, farHost: place.farHost },
    ...{ use: [transport], relays },
    ...(lanes === undefined ? {} : { lanes }),
    ...(recordBytes === undefined ? {} : { recordBytes }),
  };
}

const unexpected = (): XferError =>
  new XferError('ERR_XFER_INTERNAL', 'the near end answered what it was not asked');
