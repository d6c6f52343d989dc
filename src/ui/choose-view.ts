import { ndjsonView } from './ndjson-view.js';
import { plainView } from './plain-view.js';
import { quietView } from './quiet-view.js';
import type { View } from './view.js';
import { writeTogether } from './write-together.js';

/** The view that fits the flags and where the output goes. */
export async function chooseView(flags: { json: boolean; quiet: boolean }): Promise<View> {
  if (flags.json) return ndjsonView(writeTogether(process.stdout));
  if (flags.quiet) return quietView((text) => process.stderr.write(text));
  if (!process.stderr.isTTY || process.env['TERM'] === 'dumb')
    return plainView((text) => process.stderr.write(text));
  const { TerminalView } = await import('./terminal-view.js');
  return new TerminalView(process.stderr);
}
