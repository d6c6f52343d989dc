import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { FabricApi, FabricLoop, FabricRunResult } from '../native/fabric-api.js';
import { OpenRefused, resetCode, type Connection, type Stream } from '../transport/contract.js';
import { StreamReader } from '../transport/stream-reader.js';
import type { OnMeasure } from './bare-cpu.js';
import { nativeError, openLoop, readParty, sendParty } from './native-end.js';
import { encodeNativeHeader, encodeRun, nativeAnswer, type NativeRun } from './native-message.js';
import type { RunResult } from './contract.js';
import type { BarePattern } from './run.js';
import type { RunLimit } from './work.js';
import { unlessAborted } from '../app/unless-aborted.js';

export interface NativeLoops {
  readonly provider: string;
  /** Messages of benchDefaults.nativeLargeBytes at most. Rejects with an XferError, or with the signal's reason. */
  run(pattern: BarePattern, bytes: number, limit: RunLimit, onMeasure?: OnMeasure): Promise<RunResult>;
  close(): Promise<void>;
}

const kinds = { latency: 'ping-pong', memory: 'one-way' } as const;
const triedIterations = 20;

/** Loops in native code between an endpoint here and one there, of the first of `providers` that both have; undefined: there are none. */
export async function nativeLoops(
  connection: Connection,
  api: FabricApi,
  providers: readonly string[],
  id: Uint8Array,
  signal: AbortSignal,
): Promise<NativeLoops | undefined> {
  if (providers.length === 0) return undefined;
  const stream = connection.openStream({ header: encodeNativeHeader(id, providers) });
  const reader = new StreamReader(stream);
  let opening: Promise<FabricLoop> | undefined;
  const close = async (): Promise<void> => {
    stream.reset(resetCode.cancelled);
    await opening?.then(
      (loop) => loop.close(),
      () => undefined,
    );
  };
  try {
    await unlessAborted(signal, stream.opened);
    const { provider, peer } = await unlessAborted(signal, readParty(reader));
    if (!providers.includes(provider))
      throw new XferError('ERR_XFER_PROTOCOL', 'the other end chose what was not offered');
    opening = openLoop(api, provider);
    const loop = await unlessAborted(signal, opening);
    sendParty(stream, provider, loop);
    await unlessAborted(signal, loop.connect(peer));
    await unlessAborted(signal, answered(reader));
    const ends = { stream, reader, loop, signal };
    return {
      ...{ provider, close },
      run: (pattern, bytes, limit, onMeasure) =>
        run(ends, pattern, bytes, limit, onMeasure).catch((thrown: unknown) => {
          signal.throwIfAborted();
          throw nativeError(thrown);
        }),
    };
  } catch (thrown) {
    await close();
    if (thrown instanceof OpenRefused) return undefined;
    signal.throwIfAborted();
    throw nativeError(thrown);
  }
}

interface Ends {
  readonly stream: Stream;
  readonly reader: StreamReader;
  readonly loop: FabricLoop;
  readonly signal: AbortSignal;
}

/** How many go into the time that there is is found out first; so many as were asked for, if they do. */
async function run(
  ends: Ends,
  pattern: BarePattern,
  bytes: number,
  limit: RunLimit,
  onMeasure?: OnMeasure,
): Promise<RunResult> {
  const what = { kind: kinds[pattern], bytes };
  const tried = await once(ends, { ...what, iterations: triedIterations, warmUp: triedIterations });
  const eachMs = Math.max((tried.seconds * 1000) / triedIterations, 1e-5);
  const { minIterations, runMs, warmUpShare, maxWarmUp } = benchDefaults;
  const wanted =
    'iterations' in limit
      ? Math.min(limit.iterations, Math.ceil(runMs / eachMs))
      : Math.max(minIterations, Math.ceil(limit.timeMs / eachMs));
  const iterations = Math.min(wanted, benchDefaults.maxIterations);
  const warmUp = Math.min(Math.ceil(iterations * warmUpShare), maxWarmUp);
  onMeasure?.(iterations / (iterations + warmUp));
  const { seconds } = await once(ends, { ...what, iterations, warmUp });
  return { iterations, seconds, totalBytes: iterations * bytes * (pattern === 'latency' ? 2 : 1) };
}

/** Both ends at once; a message waits for whoever begins later. */
async function once({ stream, reader, loop, signal }: Ends, what: NativeRun): Promise<FabricRunResult> {
  stream.send(encodeRun(what));
  const result = await unlessAborted(signal, loop.run({ ...what, isClient: true }));
  await unlessAborted(signal, answered(reader));
  return result;
}

async function answered(reader: StreamReader): Promise<void> {
  const [answer] = await reader.read(1, benchDefaults.silenceMs);
  if (answer !== nativeAnswer.done)
    throw new XferError('ERR_XFER_CONNECTION_LOST', 'the native loop of the other end has failed');
}
