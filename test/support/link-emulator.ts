import { afterFile } from './after-file.js';
import {
  linkMissing,
  openLink,
  type EmulatedLink,
  type LinkEnd,
  type LinkOptions,
} from './link-emulator.mjs';
import type { RunOptions, XferRun } from './run-xfer.js';
import { runThrough } from './run-through.js';

export type { BothDirections, EmulatedLink, LinkEnd, LinkOptions, LinkStatistics } from './link-emulator.mjs';

/** Why links cannot be emulated here, for the name of what is skipped; undefined where they can. */
export const whyNoLink = linkMissing();

const open = new Set<EmulatedLink>();

afterFile(async () => {
  const all = [...open];
  open.clear();
  await Promise.all(all.map((link) => link.close()));
});

/** A link that is closed when the test file has ended, at the latest. */
export async function emulatedLink(options: LinkOptions = {}): Promise<EmulatedLink> {
  const link = await openLink(options);
  open.add(link);
  return link;
}

/** Runs xfer at one end of a link. */
export function runXferAt(end: LinkEnd, args: readonly string[], options: RunOptions = {}): Promise<XferRun> {
  return runThrough(end.prefix, args, options);
}
