import { printable } from '../transfer/printable.js';
import { askLine, type Asking } from './ask-line.js';

export interface OverwriteAnswer {
  readonly answer: 'always' | 'never' | 'rename';
  readonly forAll: boolean;
}

/**
 * Asks on stderr what to do with a path that exists. Capital letters answer for all that follow; anything else, and the
 * end of the input, leaves the file as it is. Rejects with the signal's reason.
 */
export async function askOverwrite(
  path: string,
  signal: AbortSignal,
  terminal?: Asking,
): Promise<OverwriteAnswer> {
  const question = `${printable(path)} exists: overwrite? [y]es [n]o [r]ename, capital for all: `;
  const word = await askLine(question, signal, terminal);
  return { answer: answers.get(word.toLowerCase()) ?? 'never', forAll: /^[YNR]$/.test(word) };
}

const answers = new Map<string, OverwriteAnswer['answer']>([
  ['y', 'always'],
  ['n', 'never'],
  ['r', 'rename'],
]);
