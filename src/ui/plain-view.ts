import { lineView } from './line-view.js';
import { connectedLine, doneLine, errorLines, explainLine, listeningLine, noteLine } from './sentences.js';
import type { View, Write } from './view.js';

/** For logs: one line at the start of a transfer, one at its end, and what a person should know in between. */
export function plainView(stderr: Write): View {
  return lineView((event) => {
    switch (event.event) {
      case 'listening':
        return stderr(`${listeningLine(event)}\n`);
      case 'connected':
        return stderr(`${connectedLine(event)}\n`);
      case 'note':
        return stderr(`${noteLine(event)}\n`);
      case 'explain':
        return stderr(`${explainLine(event)}\n`);
      case 'done':
        return stderr(`${doneLine(event)}\n`);
      case 'error':
        return stderr(errorLines(event));
      case 'progress':
      case 'lane':
      case 'phase':
        return undefined;
    }
  });
}
