import { afterAll } from 'vitest';
import { linkMissing, openLink, type EmulatedLink, type LinkOptions } from './link-emulator.mjs';

export type { BothDirections, EmulatedLink, LinkEnd, LinkOptions, LinkStatistics } from './link-emulator.mjs';

/** Why links cannot be emulated here, for the name of what is skipped; undefined where they can. */
export const whyNoLink = linkMissing();

const open = new Set<EmulatedLink>();

afterAll(async () => {
  await Promise.all([...open].map((link) => link.close()));
});

/** A link that is closed when the test file has ended, at the latest. */
export async function emulatedLink(options: LinkOptions = {}): Promise<EmulatedLink> {
  const link = await openLink(options);
  open.add(link);
  return link;
}
