import { XferError } from '../errors/index.js';
import { MuxBudget, MuxConnection } from '../mux/index.js';
import { openErrorCode, type Connection } from '../transport/contract.js';
import { answerBench } from './answers.js';
import { withCpu, type OnMeasure } from './bare-cpu.js';
import type { BenchSetup, Contestant, RunProgress, RunResult } from './contract.js';
import { streamLayerName } from './ends.js';
import { MemoryPairLink } from './memory-pair.js';
import { benchIdBytes, decodeBenchHeader } from './message.js';
import type { BenchSkipped } from './report.js';
import { streamLoops } from './stream-loops.js';
import { answerStream } from './streams-answers.js';
import { streamsLimits } from './streams-limits.js';
import { decodeStreamsHeader } from './streams-message.js';
import { runStreams } from './streams-run.js';

/**
 * The stream layer alone: both ends of the mux that plugins have over TCP, in this process, joined by nothing but memory, and
 * no session above. In messages, round trips and streams.
 */
export async function* streamLayer(setup: BenchSetup): AsyncGenerator<Contestant | BenchSkipped> {
  await Promise.resolve();
  const { work, use, usesAll, target, hops, place } = setup;
  const isNamed = use.includes(streamLayerName);
  const { pattern } = work;
  const isItsPattern = pattern === 'memory' || pattern === 'latency' || pattern === 'streams';
  const isAlone = target === undefined && hops === 0 && place.isHere;
  if (use.length > 0 && !isNamed) return;
  if (isItsPattern && isAlone) {
    yield contestant(setup, pattern);
    return;
  }
  if (!isNamed || usesAll) return;
  const why = isAlone
    ? `the pattern ${pattern} is for processes`
    : 'between two ends in one process there is nothing';
  yield {
    name: streamLayerName,
    code: 'ERR_XFER_NO_TRANSPORT',
    reason: `the stream layer alone: ${why}`,
    remedy:
      'leave memory out of --transport, or measure --pattern memory,latency,streams with nothing between',
  };
}

function contestant(setup: BenchSetup, pattern: 'memory' | 'latency' | 'streams'): Contestant {
  const { work, signal } = setup;
  const ends = new StreamLayerEnds();
  const id = new Uint8Array(benchIdBytes);
  const measured = async (
    onProgress: (progress: RunProgress) => void,
    onMeasure: OnMeasure,
  ): Promise<RunResult> => {
    const { near } = ends;
    const firstByteAt = (): number => ends.firstByteAt;
    if (pattern === 'streams')
      return runStreams(near, { id, work, signal, onProgress, onMeasure, firstByteAt });
    return streamLoops(near, id, signal, onMeasure).run(work);
  };
  return {
    name: 'stream layer',
    kind: 'xfer',
    transport: streamLayerName,
    isSealed: false,
    how: 'both ends of the mux in one process, joined by memory: each byte is copied once',
    run: (onProgress) =>
      withCpu(setup, { processes: [] }, (onMeasure) => measured(onProgress, onMeasure), 'both ends'),
    close: () => {
      ends.close();
      return Promise.resolve();
    },
  };
}

/** Two connections that are one; each answers what the other opens. */
class StreamLayerEnds {
  readonly near: Connection;
  readonly far: Connection;
  /** When the last stream's first byte came to the far end. */
  firstByteAt = 0;

  constructor() {
    const [left, right] = MemoryPairLink.pair();
    const address = { scheme: streamLayerName, host: 'here', port: 0 };
    // As the ends of a transport are, each with what a process has.
    const common = () => ({ local: address, remote: address, limits: streamsLimits(new MuxBudget()) });
    this.near = new MuxConnection({ link: left, role: 'dialer', ...common() });
    this.far = new MuxConnection({ link: right, role: 'listener', ...common() });
    this.#answer(this.near);
    this.#answer(this.far);
  }

  close(): void {
    this.near.abort(new XferError('ERR_XFER_INTERRUPTED', 'the bench is over'));
  }

  #answer(connection: Connection): void {
    connection.onStream((stream, header) => {
      const streams = decodeStreamsHeader(header);
      const messages = decodeBenchHeader(header);
      if (streams) answerStream(stream, streams.isBothWays, () => (this.firstByteAt = performance.now()));
      else if (messages) answerBench(stream, messages.messageBytes);
      else stream.refuse(openErrorCode.refused);
    });
  }
}
