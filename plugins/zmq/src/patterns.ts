import type { EndpointUse } from 'xfer/plugin';
import { zmqConfig } from './config.js';

/** What a kind of socket can do here. ZeroMQ RFC 28 (request-reply), 29 (publish-subscribe), 30 (pipeline). */
export interface Pattern {
  readonly gives: boolean;
  readonly takes: boolean;
  /** What is queued at the end is waited for so long. */
  readonly lingerMs: number;
  /** Whether messages may be dropped on the way at all. */
  readonly drops: boolean;
}

const { lingerMs, pubLingerMs } = zmqConfig;

export const patterns = Object.freeze({
  push: { gives: false, takes: true, lingerMs, drops: false },
  pull: { gives: true, takes: false, lingerMs: 0, drops: false },
  pub: { gives: false, takes: true, lingerMs: pubLingerMs, drops: true },
  sub: { gives: true, takes: false, lingerMs: 0, drops: true },
  dealer: { gives: true, takes: true, lingerMs, drops: false },
  router: { gives: true, takes: true, lingerMs, drops: false },
} satisfies Record<string, Pattern>);

export type PatternName = keyof typeof patterns;

export const patternNames = Object.freeze(Object.keys(patterns) as PatternName[]);

export function isUsableAs(name: PatternName, use: EndpointUse): boolean {
  const { gives, takes }: Pattern = patterns[name];
  return (use === 'sink' || gives) && (use === 'source' || takes);
}
