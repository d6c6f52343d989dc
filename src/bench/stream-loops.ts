import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { Connection } from '../transport/contract.js';
import type { OnMeasure } from './bare-cpu.js';
import { acknowledgementBytes, benchMessage } from './message.js';
import { BenchRunCore } from './run-core.js';
import type { RunResult } from './contract.js';
import { benchRun, isBarePattern, type BareWork, type BenchRun } from './run.js';
import type { BenchWork } from './work.js';
import { Histogram } from '../app/histogram.js';

/**
 * The patterns on streams of a connection, through the contract of transports alone: as xfer itself sees it. `onMeasure` is called
 * behind what warms up, before the clock of what counts runs.
 */
export function streamLoops(
  connection: Connection,
  id: Uint8Array,
  signal: AbortSignal,
  onMeasure: OnMeasure = () => undefined,
): StreamLoops {
  return {
    run: async ({ pattern, ...work }) => {
      if (!isBarePattern(pattern))
        throw new XferError('ERR_XFER_INTERNAL', `${pattern} is not of one stream`);
      return benchRun(connection, id, work.bytes, signal, (run) => loops[pattern](run, work, onMeasure));
    },
  };
}

export interface StreamLoops {
  /** Rejects with an XferError, or with the reason of the signal. */
  run(work: Pick<BenchWork, 'pattern' | 'bytes' | 'limit' | 'isBothWays'>): Promise<RunResult>;
}

const loops = { latency, memory };

/** A message there, one back, by turns. */
function latency(
  { stream, memory, send, finish }: BenchRun,
  { bytes, limit }: BareWork,
  onMeasure: OnMeasure,
): void {
  const message = memory.message(bytes, benchMessage.echo);
  const core = new BenchRunCore(limit, performance.now());
  const halfTrips = new Histogram();
  let sentAt = performance.now();
  let left = bytes;
  let isOver = false;
  stream.onData((came) => {
    left -= came.length;
    if (left > 0 || isOver) return;
    let now = performance.now();
    if (core.isMeasuring) halfTrips.add(((now - sentAt) * 1000) / 2);
    if (core.handleMessage(now)) {
      if (core.isMeasuring) {
        isOver = true;
        const iterations = core.counted;
        const totalBytes = 2 * iterations * bytes;
        return finish({ iterations, totalBytes, seconds: core.measuredMs(now) / 1000, halfTrips });
      }
      onMeasure();
      core.measure((now = performance.now()));
    }
    left += bytes;
    sentAt = now;
    send(message);
  });
  send(message);
}

/**
 * Messages one way, at most a window of them not acknowledged; time runs from the first until the last is there. Both ways each
 * is answered by one of its size, which acknowledges it: the other end sends as much as it gets, and no more.
 */
function memory(
  { stream, memory, send, finish, fail }: BenchRun,
  { bytes, limit, isBothWays }: BareWork,
  onMeasure: OnMeasure,
): void {
  const { windowMessages } = benchDefaults;
  const plain = memory.message(bytes, isBothWays ? benchMessage.echo : benchMessage.count);
  const asking = isBothWays ? plain : memory.message(bytes, benchMessage.acknowledge);
  const core = new BenchRunCore(limit, performance.now());
  const rest = new Uint8Array(acknowledgementBytes);
  let restBytes = 0;
  let echoedBytes = 0;
  let sent = 0;
  let acknowledged = 0;
  /** The last message of the warm-up, or of all, is sent. */
  let isWaiting = false;
  let isFull = false;
  const pump = (): void => {
    while (!isWaiting && !isFull && sent - acknowledged < windowMessages) {
      sent++;
      isWaiting = core.handleMessage(performance.now());
      const asks = isWaiting || sent % (windowMessages / 4) === 0;
      isFull = !send(asks ? asking : plain);
    }
    if (isFull)
      void stream.drained().then(() => {
        isFull = false;
        pump();
      });
  };
  const handleAcknowledgement = (messages: number): void => {
    if (messages > sent || messages < acknowledged)
      return fail(new XferError('ERR_XFER_PROTOCOL', 'the other end acknowledges what was not sent'));
    acknowledged = messages;
    if (isWaiting && acknowledged === sent) {
      if (core.isMeasuring) {
        const seconds = core.measuredMs(performance.now()) / 1000;
        const iterations = core.counted;
        const totalBytes = iterations * bytes * (isBothWays ? 2 : 1);
        return finish({ iterations, totalBytes, seconds });
      }
      onMeasure();
      core.measure(performance.now());
      isWaiting = false;
    }
    if (!isFull) pump();
  };
  stream.onData((came) => {
    if (isBothWays) {
      echoedBytes += came.length;
      return handleAcknowledgement(Math.floor(echoedBytes / bytes));
    }
    for (const byte of came) {
      rest[restBytes++] = byte;
      if (restBytes < acknowledgementBytes) continue;
      restBytes = 0;
      handleAcknowledgement(new DataView(rest.buffer).getUint32(0));
    }
  });
  pump();
}
