import { askLine, type Asking } from './ask-line.js';

/** Asks on stderr whether the receiver may delete. Anything but yes is no; rejects with the signal's reason. */
export async function askDelete(signal: AbortSignal, terminal?: Asking): Promise<boolean> {
  const question = 'the receiver will delete what is not here: go on? [y/N] ';
  return /^y(es)?$/i.test(await askLine(question, signal, terminal));
}
