import { asXferError, XferError } from '../errors/index.js';
import type { Endpoint } from '../pipe/endpoint.js';
import { PipeAccount } from './pipe-account.js';
import { PipeDials } from './pipe-dials.js';
import type { PipeOptions, PipeResult } from './pipe-options.js';
import type { LocalPlace, PipeSides, ReadPlace } from './pipe-place.js';
import { acceptedEnd, runStream } from './pipe-stream.js';

/**
 * Whoever comes to the place that accepts is a stream of its own: a channel of the one session, or a fresh opening of the other
 * place. One that fails takes no other down. Goes on until the signal, or until the session is lost.
 */
export async function forkPipe(options: PipeOptions, sides: PipeSides): Promise<PipeResult> {
  const { accepting, others, isFrom } = forkOf(sides);
  const { signal, onEvent, duplex = false } = options;
  const account = new PipeAccount(options);
  const push = () => account.push();
  const dials = new PipeDials(options, push);
  await dials.open(others);
  const streams = new Set<Promise<void>>();
  const ending = new AbortController();
  const serve = (endpoint: Endpoint) => {
    const come = [acceptedEnd(endpoint)];
    const ends = others.map((place) => dials.endOf(place));
    const [from, to] = isFrom ? [come, ends] : [ends, come];
    const stream = runStream(from, to, {
      ...options,
      ...{ duplex, opening: ending.signal, signal: ending.signal, meter: account.meter },
      onProgress: push,
    })
      .catch((error: unknown) => {
        if (!ending.signal.aborted)
          onEvent({ event: 'note', message: `${endpoint.label}: ${asXferError(error).message}` });
        // A stream that was never opened has closed nothing.
        return endpoint.close();
      })
      .finally(() => streams.delete(stream));
    streams.add(stream);
  };
  const over = untilEither(signal, dials.lost);
  try {
    const { url, kind } = accepting.endpoint;
    const listener = await kind.listen(url, {
      use: duplex ? 'both' : isFrom ? 'source' : 'sink',
      ...{ signal: ending.signal, onEndpoint: serve },
      onNote: (message) => onEvent({ event: 'note', message }),
    });
    onEvent({ event: 'note', message: `waiting at ${listener.address}` });
    const error = await over;
    ending.abort(error);
    await listener.close();
    throw error;
  } catch (thrown) {
    const error = asXferError(thrown);
    ending.abort(error);
    account.drop();
    await Promise.all(streams);
    await dials.end(error);
    throw error;
  }
}

type Accepting = LocalPlace & {
  readonly endpoint: {
    readonly url: string;
    readonly kind: Required<NonNullable<LocalPlace['endpoint']>['kind']>;
  };
};

/** Throws ERR_XFER_USAGE where it is not one place of one side that accepts. */
function forkOf({ from, to }: PipeSides): {
  readonly accepting: Accepting;
  readonly others: readonly ReadPlace[];
  readonly isFrom: boolean;
} {
  for (const [side, others, isFrom] of [[from, to, true] as const, [to, from, false] as const]) {
    const [place] = side;
    if (side.length === 1 && place && accepts(place)) return { accepting: place, others, isFrom };
  }
  throw new XferError('ERR_XFER_USAGE', '--fork needs a place that accepts one after another', {
    remedy: 'use a listening endpoint such as tcp-listen:, or --listen',
  });
}

const accepts = (place: ReadPlace): place is Accepting =>
  place.kind === 'local' && place.endpoint?.kind.listen !== undefined;

/** The reason of whichever aborts first. */
function untilEither(...signals: readonly AbortSignal[]): Promise<XferError> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      const tell = () => resolve(asXferError(signal.reason));
      signal.addEventListener('abort', tell, { once: true });
      if (signal.aborted) tell();
    }
  });
}
