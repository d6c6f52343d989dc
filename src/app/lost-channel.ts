import { asXferError, type XferError } from '../errors/index.js';
import type { Channel, ChannelRequest, PipeReader, PipeSession, PipeWriter } from '../pipe/channel.js';

/** What opens channels of a session. */
export type Opening = Pick<PipeSession, 'open'>;

/** Of a session that never was: its channels fail at once, so that it is one of several that is lost. */
export const neverThere = (error: XferError): Opening => ({ open: (request) => lostChannel(request, error) });

/** Of one that may have ended by now: a channel that cannot be opened is one that is lost. */
export const whileThere = (pipes: Opening): Opening => ({
  open: (request) => {
    try {
      return pipes.open(request);
    } catch (thrown) {
      return lostChannel(request, asXferError(thrown));
    }
  },
});

function lostChannel({ up, down }: ChannelRequest, error: XferError): Channel {
  return {
    ...{ id: -1, framing: up ?? 'bytes', opened: Promise.resolve() },
    ...(up === undefined ? {} : { writer: lostWriter(error) }),
    ...(down ? { reader: lostReader(error) } : {}),
  };
}

function lostWriter(error: XferError): PipeWriter {
  const done = Promise.reject(error);
  // Whoever does not ask is not told.
  done.catch(() => undefined);
  return {
    ...{ done, heldBytes: 0, windowBytes: 1, takenBytes: 0, isDetached: true },
    write: (block) => {
      block.release();
      return true;
    },
    drained: () => Promise.resolve(),
    finish: () => undefined,
    reset: () => undefined,
  };
}

const lostReader = (error: XferError): PipeReader => ({
  ...{ heldBytes: 0, windowBytes: 0 },
  read: () => Promise.reject(error),
  delivered: () => undefined,
  stop: () => undefined,
});
