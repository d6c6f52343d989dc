import { XferError } from '../errors/index.js';
import { PeerStore } from '../session/peer-store.js';
import type { PipeOptions, PipeResult } from './pipe-options.js';
import type { PipeSides } from './pipe-place.js';
import { PipeSessions } from './pipe-sessions.js';
import { SessionListener } from './session-listener.js';

/** Waits for another machine, and joins what it asks for to the place on the other side of `listen`. */
export async function listenForPipes(options: PipeOptions, { from, to }: PipeSides): Promise<PipeResult> {
  const [listening, place, isSink] =
    from[0]?.kind === 'listen' ? [from[0], to[0], true] : [to[0], from[0], false];
  if (listening?.kind !== 'listen' || !place || place.kind === 'listen')
    throw new XferError('ERR_XFER_INTERNAL', 'a pipe that listens has no place that does');
  const peers = new PeerStore(options.home);
  const { duplex = false, fork = false } = options;
  const handler = new PipeSessions({
    options,
    place,
    peers,
    takes: isSink || duplex,
    gives: !isSink || duplex,
  });
  const listener = await SessionListener.open(
    {
      ...options,
      listen: listening.urls,
      ...(listening.room === undefined ? {} : { room: listening.room }),
      once: !fork,
    },
    peers,
    handler,
  );
  const result = await listener.run();
  if (!result) throw new XferError('ERR_XFER_INTERNAL', 'a listener of pipes ended without a stream');
  return result;
}
