import { printableJson } from '../transfer/printable.js';
import { lineView } from './line-view.js';
import type { View, Write } from './view.js';

/** Every event as it is, one JSON object a line, `event` first. */
export function ndjsonView(stdout: Write): View {
  return lineView(({ event, ...rest }) => stdout(`${printableJson({ event, ...rest })}\n`));
}
