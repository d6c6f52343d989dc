const KiB = 1024;
const MiB = 1024 * KiB;

/** Pipes: live streams in a session. */
export const pipeDefaults = Object.freeze({
  /** What a sender keeps to send it again, and what a reader holds that was not delivered (`--window`), a channel. */
  windowBytes: 64 * MiB,
  /** The least that `--window` may be: two records. */
  minWindowBytes: 2 * MiB,
  maxWindowBytes: 1024 * MiB,
  /** What may come on a channel before the other side has said how much it takes. */
  firstCreditBytes: 256 * KiB,
  /** Content that waits for more to go in one record with it, at most for so long (`--no-delay`: not at all). */
  coalesceMs: 1,
  /** A connection that brings nothing for so long gives the memory back that it is read into. */
  restMs: 1000,
  /** Channels that one session has at once; past it they are refused. */
  maxChannels: 1000,
  /** Windows of all channels of a session together; each gets less where there are many. */
  maxSessionWindowBytes: 256 * MiB,
});

/**
 * Under `--slow drop`: for how long altogether the others wait for one that has stopped, which comes when its window is full;
 * and the part of their time that others may lose for good to one that is a little slower. Once another has all, nobody but
 * the command waits: so much longer for one that takes nothing more of the rest.
 */
export const slowDefaults = Object.freeze({ waitMs: 500, forgivenShare: 0.1, standstillMs: 30_000 });
