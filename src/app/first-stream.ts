import { setMaxListeners } from 'node:events';
import { sessionDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import {
  decodeGroupHeader,
  decodeJoinHeader,
  isSessionHeader,
  type GroupHeader,
  type JoinHeader,
} from '../session/stream-headers.js';
import { openErrorCode, type Connection, type Stream } from '../transport/contract.js';
import type { MeasuringListener } from '../transport/measuring-listener.js';

export interface FirstStream {
  readonly stream: Stream;
  readonly join?: JoinHeader | undefined;
  readonly group?: GroupHeader | undefined;
  readonly isMeasuring?: true;
}

/** The stream that a session or a lane begins on; whoever opens none in time is no xfer. */
export async function firstStream(
  connection: Connection,
  signal: AbortSignal,
  measuring: MeasuringListener | undefined,
): Promise<FirstStream> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new XferError('ERR_XFER_TIMEOUT', 'the other side opened no stream in time')),
      sessionDefaults.handshakeTimeoutMs,
    );
    // A dialer that another way served sooner may be gone for good: nobody is there to close the connection with in order.
    const leave = () => connection.abort(asXferError(signal.reason));
    const settled = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    };
    // As for handshakes: listeners are as many as connections.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', leave, { once: true });
    void connection.closed.then(() => {
      settled();
      reject(new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left'));
    });
    if (signal.aborted) leave();
    let taken = false;
    connection.onStream((stream, header) => {
      if (!taken && measuring?.take(stream, header, connection.remote.host)) {
        taken = true;
        settled();
        return resolve({ stream, isMeasuring: true });
      }
      const join = decodeJoinHeader(header);
      const group = decodeGroupHeader(header);
      if (taken || !(join || group || isSessionHeader(header))) return stream.refuse(openErrorCode.refused);
      taken = true;
      settled();
      resolve({ stream, join, group });
    });
  });
}

/** Nobody waits for a stranger's measuring: with the signal it ends at once. */
export async function untilMeasured(
  connection: Connection,
  stream: Stream,
  signal: AbortSignal,
): Promise<void> {
  const leave = () => connection.abort(asXferError(signal.reason));
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  await stream.closed;
  signal.removeEventListener('abort', leave);
}
