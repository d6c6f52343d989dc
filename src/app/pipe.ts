import { XferError } from '../errors/index.js';
import type { EndpointUse } from '../pipe/endpoint.js';
import type { PipeOptions, PipePlace, PipeResult } from './pipe-options.js';
import { forkPipe } from './pipe-fork.js';
import { listenForPipes } from './pipe-listen.js';
import { readPlace, type PipeSides } from './pipe-place.js';
import { runPipe } from './pipe-run.js';

/**
 * Joins places: content goes from where it comes from to where it goes, live, on this machine or to others. Resolves when
 * all of it has gone where it goes; rejects with an XferError, which is ERR_XFER_BROKEN_PIPE where the reader has gone,
 * wherever that was. With `fork` it goes on until the signal (ERR_XFER_INTERRUPTED).
 */
export async function pipe(options: PipeOptions): Promise<PipeResult> {
  const places = await readPlaces(options);
  if ([...places.from, ...places.to].some(({ kind }) => kind === 'listen'))
    return listenForPipes(options, places);
  return options.fork ? forkPipe(options, places) : runPipe(options, places);
}

/** All of them, before anything is dialled or opened. */
async function readPlaces(options: PipeOptions): Promise<PipeSides> {
  const { from, to, duplex } = options;
  checkSides(options);
  const read = (places: readonly PipePlace[], use: EndpointUse) =>
    Promise.all(places.map((place) => readPlace(place, duplex ? 'both' : use, options)));
  return { from: await read(from, 'source'), to: await read(to, 'sink') };
}

function checkSides({ from, to, duplex }: PipeOptions): void {
  if (from.length === 0 || to.length === 0) throw usage('a pipe needs a place on each side');
  if (from.length > 1 && to.length > 1) throw usage('a pipe has several places on one side at most');
  if (duplex && from.length + to.length > 2) throw usage('both ways go between two places only');
  const listening = [...from, ...to].filter(({ kind }) => kind === 'listen').length;
  if (listening > 1 || (listening > 0 && from.length + to.length > 2))
    throw usage('a place that listens stands alone, with one on the other side');
}

const usage = (message: string) =>
  new XferError('ERR_XFER_USAGE', message, { remedy: 'see xfer pipe --help for what goes together' });
