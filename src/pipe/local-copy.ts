import { drain } from './drain.js';
import type { PipeSink, PipeSource } from './endpoint.js';
import { feed, framingOf, type FeedOptions } from './feed.js';
import { memoryChannel } from './memory-channel.js';
import { blockBytes } from './block-pool.js';

export interface LocalCopyOptions extends Pick<FeedOptions, 'coalesceMs' | 'signal' | 'onProgress'> {
  /** How content is cut. Messages become messages in any case; a byte source of messages, or a sink of them, needs more than `bytes`. */
  readonly framing: FeedOptions['framing'];
}

/** What is between the source and the sink: enough for both to be busy. */
const windowBytes = 4 * blockBytes;

/**
 * Moves all content of a source into a sink on this machine, with no session between them. Rejects with the error of either
 * one, and the other is stopped or aborted with it.
 */
export async function localCopy(
  source: PipeSource,
  sink: PipeSink,
  options: LocalCopyOptions,
): Promise<void> {
  const { writer, reader } = memoryChannel(windowBytes);
  const framing = framingOf(source, options.framing);
  const drained = drain([{ reader, framing }], sink);
  const fed = feed(source, [writer], options);
  const results = await Promise.allSettled([fed, drained]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
