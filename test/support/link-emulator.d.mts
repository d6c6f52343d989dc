export { openLink, type EmulatedLink } from '../../src/bench/link/open-link.js';
export type { LinkEnd } from '../../src/bench/link/link-end.js';
export type { BothDirections, LinkOptions } from '../../src/bench/link/parameters.js';
export type { LinkStatistics } from '../../src/bench/link/statistics.js';

/** Why this machine cannot emulate a link for tests, or undefined where it can. */
export function linkMissing(): string | undefined;
