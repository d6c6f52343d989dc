import { XferError } from '../errors/index.js';
import { parseCode } from '../session/code.js';
import { printable } from '../transfer/printable.js';
import type { SendOptions } from './options.js';
import { routeTo, type Route } from './route.js';
import type { Target } from './target.js';

/** What of a command says how to get to its target. */
export type RouteOptions = Pick<SendOptions, 'via' | 'use' | 'code' | 'askCode' | 'transports'>;

/** Throws ERR_XFER_USAGE for a transport that is not there. */
export function checkUse({ use, transports }: RouteOptions): void {
  const schemes = transports.schemes();
  const missing = use?.find((scheme) => !schemes.includes(scheme));
  if (missing !== undefined)
    throw new XferError('ERR_XFER_USAGE', `there is no transport ${printable(missing)}`, {
      remedy: `give auto, or of these: ${schemes.join(', ')}`,
    });
}

/** A room without a name is that of the code, which is asked for then. */
export async function routeOver(
  target: Exclude<Target, { kind: 'local' }>,
  options: RouteOptions,
): Promise<{ readonly route: Route; readonly code?: string }> {
  const { via = [], use } = options;
  if (target.kind !== 'room' || target.room !== '') return { route: routeTo(target, via, use) };
  const code = options.code ?? (await options.askCode?.());
  const room = code === undefined ? undefined : parseCode(code).room;
  if (code === undefined || room === undefined)
    throw new XferError('ERR_XFER_USAGE', 'there is no room to meet in, and none in the code', {
      remedy: 'name the room that xfer recv printed: room:ROOM as the target',
    });
  return { route: routeTo({ kind: 'room', room }, via, use), code };
}
