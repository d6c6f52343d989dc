import { asXferError, XferError } from '../errors/index.js';
import type { Endpoint, EndpointKind, EndpointUse } from '../pipe/endpoint.js';
import { stdioEndpoint } from './stdio-endpoint.js';
import type { PipeOptions, PipePlace } from './pipe-options.js';
import { parseTarget, type Target } from './target.js';

/** A place of this machine that can be opened: any number of times, but for stdin and stdout. */
export interface LocalPlace {
  readonly kind: 'local';
  /** Undefined for stdin and stdout. */
  readonly endpoint?: { readonly url: string; readonly kind: EndpointKind };
  open(use: EndpointUse, signal: AbortSignal): Promise<Endpoint>;
}

/** A place, read and checked. */
export type ReadPlace =
  | LocalPlace
  | { readonly kind: 'target'; readonly target: string; readonly at: Exclude<Target, { kind: 'local' }> }
  | Extract<PipePlace, { kind: 'listen' }>;

/** The two sides of a pipe, read and checked. */
export interface PipeSides {
  readonly from: readonly ReadPlace[];
  readonly to: readonly ReadPlace[];
}

/** Does nothing yet. Rejects with ERR_XFER_USAGE, ERR_XFER_BAD_ADDRESS, ERR_XFER_NO_ENDPOINT or what a plugin fails with. */
export async function readPlace(
  place: PipePlace,
  use: EndpointUse,
  options: PipeOptions,
): Promise<ReadPlace> {
  switch (place.kind) {
    case 'listen':
      return place;
    case 'target':
      return { kind: 'target', target: place.target, at: readTarget(place.target) };
    case 'stdio':
      return {
        kind: 'local',
        open: (opened) => Promise.resolve((options.stdio ?? stdioEndpoint)(opened)),
      };
    case 'endpoint': {
      const { url } = place;
      const kind = await options.endpoints.kindOf(url);
      checkUse(kind, url, use);
      const onNote = (message: string) => options.onEvent({ event: 'note', message });
      return {
        kind: 'local',
        endpoint: { url, kind },
        open: (opened, signal) => kind.open(url, { use: opened, signal, onNote }),
      };
    }
  }
}

function readTarget(target: string): Exclude<Target, { kind: 'local' }> {
  const read = parseTarget(target);
  if (read.kind !== 'local') return read;
  throw new XferError('ERR_XFER_USAGE', 'a pipe does not go into a directory of this machine', {
    remedy: `name a file: file:${read.directory}/NAME`,
  });
}

/** A plugin may throw anything. */
function checkUse(kind: EndpointKind, url: string, use: EndpointUse): void {
  try {
    kind.check(url, use);
  } catch (error) {
    throw asXferError(error);
  }
}
