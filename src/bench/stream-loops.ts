import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { Connection } from '../transport/contract.js';
import { acknowledgementBytes, benchMessage } from './message.js';
import type { RunLimit } from './plan.js';
import { BenchRunCore } from './run-core.js';
import { benchRun, type BenchLoops, type BenchRun } from './run.js';
import { Histogram } from '../app/histogram.js';

/** The patterns on streams of a connection, through the contract of transports alone: as xfer itself sees it. */
export function streamLoops(connection: Connection, signal: AbortSignal): BenchLoops {
  return {
    name: 'javascript',
    run: (pattern, messageBytes, limit) =>
      benchRun(connection, messageBytes, signal, (run) => loops[pattern](run, messageBytes, limit)),
  };
}

const loops = { latency, memory };

/** A message there, one back, by turns. */
function latency({ stream, memory, send, finish }: BenchRun, bytes: number, limit: RunLimit): void {
  const message = memory.message(bytes, benchMessage.echo);
  const core = new BenchRunCore(limit, performance.now());
  const halfTrips = new Histogram();
  let sentAt = performance.now();
  let left = bytes;
  let isOver = false;
  stream.onData((came) => {
    left -= came.length;
    if (left > 0 || isOver) return;
    const now = performance.now();
    if (core.isMeasuring) halfTrips.add(((now - sentAt) * 1000) / 2);
    if (core.handleMessage(now)) {
      if (core.isMeasuring) {
        isOver = true;
        return finish({ iterations: core.counted, seconds: core.measuredMs(now) / 1000, halfTrips });
      }
      core.measure(now);
    }
    left += bytes;
    sentAt = now;
    send(message);
  });
  send(message);
}

/** Messages one way, at most a window of them not acknowledged; time runs from the first until the last is there. */
function memory({ stream, memory, send, finish, fail }: BenchRun, bytes: number, limit: RunLimit): void {
  const { windowMessages } = benchDefaults;
  const plain = memory.message(bytes, benchMessage.count);
  const asking = memory.message(bytes, benchMessage.acknowledge);
  const core = new BenchRunCore(limit, performance.now());
  const rest = new Uint8Array(acknowledgementBytes);
  let restBytes = 0;
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
      const now = performance.now();
      if (core.isMeasuring) return finish({ iterations: core.counted, seconds: core.measuredMs(now) / 1000 });
      core.measure(now);
      isWaiting = false;
    }
    if (!isFull) pump();
  };
  stream.onData((came) => {
    for (const byte of came) {
      rest[restBytes++] = byte;
      if (restBytes < acknowledgementBytes) continue;
      restBytes = 0;
      handleAcknowledgement(new DataView(rest.buffer).getUint32(0));
    }
  });
  pump();
}
