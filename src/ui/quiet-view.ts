import { lineView } from './line-view.js';
import { errorLines, listeningLine } from './sentences.js';
import type { View, Write } from './view.js';

/** Errors, and a code that was just made: nobody could send without it. */
export function quietView(stderr: Write): View {
  return lineView((event) => {
    if (event.event === 'error') stderr(errorLines(event));
    else if (event.event === 'listening' && event.code !== undefined) stderr(`${listeningLine(event)}\n`);
  });
}
