import { asXferError } from '../errors/index.js';
import { PipeAccount, type AccountOptions } from './pipe-account.js';
import { PipeDials } from './pipe-dials.js';
import type { PipeOptions, PipeResult } from './pipe-options.js';
import type { PipeSides } from './pipe-place.js';
import { runStream } from './pipe-stream.js';

/** One stream between places that this side opens and dials. */
export async function runPipe(
  options: PipeOptions & AccountOptions,
  { from, to }: PipeSides,
): Promise<PipeResult> {
  const account = new PipeAccount(options);
  const push = () => account.push();
  const dials = new PipeDials(options, push);
  await dials.open([...from, ...to]);
  const endOf = dials.endOf.bind(dials);
  try {
    await runStream(from.map(endOf), to.map(endOf), {
      ...options,
      ...{ duplex: options.duplex ?? false, opening: dials.lost, gone: dials.gone, meter: account.meter },
      onProgress: push,
      onDropped: (_index, error) => options.onEvent({ event: 'note', message: error.message }),
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
