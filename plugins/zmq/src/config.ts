/** What holds where a URL says nothing else, and every limit. */
export const zmqConfig = Object.freeze({
  /** Messages that a socket queues for each peer, each way: what ZeroMQ itself has. Past it push and dealer wait. */
  highWaterMark: 1000,
  /** What is queued at the end has so long to go; past it the sink says that it may be lost. */
  lingerMs: 10_000,
  /** The same of pub, which promises nothing: a subscriber that does not read is not waited for much. */
  pubLingerMs: 1_000,
  /** Between opening a pub and its first message: subscribers that are there already get it. */
  pubWaitMs: 100,
  /** How long a socket that is read and written waits in one call: see message-source.ts. */
  sharedWaitMs: 20,
  /** Between two tries to send to a peer of a router that is full: ZeroMQ tells nobody when it no longer is. */
  fullPeerMs: 2,
  /** Messages between two turns of the event loop, and the most that one read gives. */
  messagesPerTurn: 1000,
  /** What the destruction of a socket may take longer than its linger before it is waited for no more. */
  closeSlackMs: 2_000,
});

export type ZmqConfig = typeof zmqConfig;
