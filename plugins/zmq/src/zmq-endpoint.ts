import { XferError, type Endpoint, type EndpointUse } from 'xfer/plugin';
import type { ReadableSocket, WritableSocket } from './binding.js';
import { ZmqSink } from './message-sink.js';
import { ZmqSource } from './message-source.js';
import { patterns } from './patterns.js';
import type { ZmqSocket } from './zmq-socket.js';
import type { ZmqUrl } from './zmq-url.js';

export interface ZmqEndpointOptions {
  readonly socket: ZmqSocket;
  readonly url: ZmqUrl;
  readonly use: EndpointUse;
  onNote(message: string): void;
  /** What else belongs to it is let go of. */
  onClose(): void;
}

/** An open socket as an end of a pipe. It is closed when neither half needs it any more, with time for what is queued. */
export function zmqEndpoint(options: ZmqEndpointOptions): Endpoint {
  const { socket, url, use, onNote } = options;
  const { pattern, options: settings } = url;
  const { drops } = patterns[pattern];
  const isShared = use === 'both';
  let isRead = use !== 'sink';
  let isWritten = use !== 'source';
  /** What of it was sent in order and may still be queued. */
  let lingerMs = 0;

  const finish = async (): Promise<void> => {
    const isGone = await socket.close(lingerMs);
    if (!isGone && !drops && lingerMs > 0)
      throw new XferError('ERR_XFER_TIMEOUT', `not all went out of ${label} in ${lingerMs} ms`, {
        remedy: 'see that its peers are there and read, or give them more time: ?linger=MS',
      });
  };
  const finishQuietly = async (): Promise<void> => {
    if (socket.isClosed) await socket.close(0);
    else await finish().catch((error: unknown) => onNote(messageOf(error)));
  };
  const label = `zmq+${pattern}:${socket.addresses.join(',')}`;

  const source =
    use === 'sink'
      ? undefined
      : new ZmqSource({
          socket: asReadable(socket),
          isShared,
          count: settings.count,
          idleMs: settings.idleMs,
          onStop: () => {
            isRead = false;
            if (!isWritten) void finishQuietly();
          },
        });
  const sink =
    use === 'source'
      ? undefined
      : new ZmqSink({
          socket: asWritable(socket),
          isShared,
          isRouter: pattern === 'router',
          firstAtMs: performance.now() + settings.waitMs,
          onNote,
          onEnd: async () => {
            isWritten = false;
            lingerMs = settings.lingerMs;
            // A socket that is still read has to stay; what is queued goes out meanwhile.
            if (!isRead) await finish();
          },
          onAbort: () => {
            isWritten = false;
            lingerMs = 0;
            if (!isRead) void finishQuietly();
          },
        });
  return {
    label,
    ...(source ? { source } : {}),
    ...(sink ? { sink } : {}),
    close: async () => {
      // A half that was still in use is over, and does not send.
      if (isWritten) sink?.abort(new XferError('ERR_XFER_INTERRUPTED', `${label} was closed`));
      source?.stop();
      await finishQuietly();
      options.onClose();
    },
  };
}

/** The patterns that give have these. */
const asReadable = ({ raw }: ZmqSocket): ReadableSocket => raw as unknown as ReadableSocket;
/** The patterns that take have these. */
const asWritable = ({ raw }: ZmqSocket): WritableSocket => raw as unknown as WritableSocket;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
