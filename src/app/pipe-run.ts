import { asXferError, type XferError } from '../errors/index.js';
import { PipeAccount, type AccountOptions } from './pipe-account.js';
import { PipeDials } from './pipe-dials.js';
import type { ErrorEvent } from './events.js';
import type { PipeOptions, PipeResult } from './pipe-options.js';
import type { PipeSides, ReadPlace } from './pipe-place.js';
import { runStream } from './pipe-stream.js';

/** One stream between places that this side opens and dials. */
export async function runPipe(
  options: PipeOptions & AccountOptions,
  { from, to }: PipeSides,
): Promise<PipeResult> {
  const account = new PipeAccount(options);
  const push = () => account.push();
  const dials = new PipeDials(options, push);
  account.lanes = () => dials.lanes;
  const several = to.length > 1 ? to : from;
  await dials.open([...from, ...to], isWithoutWait(options, from) ? several : []);
  const endOf = (place: ReadPlace) => dials.endOf(place, true);
  try {
    await runStream(from.map(endOf), to.map(endOf), {
      ...options,
      ...{ duplex: options.duplex ?? false, opening: dials.lost, gone: dials.gone, meter: account.meter },
      onProgress: push,
      onDropped: (index, error) => {
        const place = several[index];
        if (place && !options.signal.aborted) options.onEvent(lostOf(place, error));
      },
    });
    await dials.end();
  } catch (thrown) {
    const error = asXferError(thrown);
    account.drop();
    await dials.end(error);
    throw error;
  }
  return account.done(await dials.shapes());
}

/** Who cannot be reached is no reason not to begin: others have what it gives or takes, or nobody waits for it. */
const isWithoutWait = ({ balance, slow }: PipeOptions, from: readonly ReadPlace[]): boolean =>
  from.length > 1 || balance === true || slow === 'drop';

/** That one of several places is lost. */
function lostOf(place: ReadPlace, { code, message, remedy, row }: XferError): ErrorEvent {
  return { event: 'error', target: nameOf(place), code, message, remedy, exit: row.exit };
}

/** As it was typed. */
function nameOf(place: ReadPlace): string {
  if (place.kind === 'target') return place.target;
  return place.kind === 'local' ? (place.endpoint?.url ?? '-') : 'listen:';
}
