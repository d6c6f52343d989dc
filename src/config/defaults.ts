const KiB = 1024;
const MiB = 1024 * KiB;

/** Ports that a bare host means (DESIGN §9). */
export const defaultPorts = Object.freeze({ tcp: 4840, ws: 4840, udp: 4840, quic: 4841, rdma: 4842 });

/** mux: many streams on one link (DESIGN §4). Past a limit the opener gets OPEN_ERR 9 or the link ends with a protocol error, as said. */
export const muxDefaults = Object.freeze({
  /** Streams that one peer may have open at once; past it OPEN_ERR 9. */
  maxStreamsPerPeer: 1000,
  /** Streams of all peers in this process; past it OPEN_ERR 9. */
  maxStreamsTotal: 10_000,
  /** OPENs without an answer on one link; past it OPEN_ERR 9, and the opener queues locally. */
  maxPendingOpens: 100,
  /** An OPEN without an answer fails with code 3 after this long. */
  openTimeoutMs: 30_000,
  /** First receive window of a stream on one hop; grows with bandwidth × delay. */
  initialWindowBytes: 256 * KiB,
  /** A window never grows past this. */
  maxWindowBytes: 16 * MiB,
  /** What a stream may bring before OPEN_ACK (told in LINK_HELLO), and all such streams of a connection together. */
  earlyStreamBytes: 64 * KiB,
  earlyConnectionBytes: 1 * MiB,
  /** What a dialer's first 16 streams may bring, which it may open before it knows `earlyStreamBytes` of the listener. */
  earlyBeforeHelloBytes: 64 * KiB,
  /** All grants of a process together; past it growth and new opens are refused, no reader is stalled. */
  grantBudgetBytes: 256 * MiB,
  /** Content waiting in a stream's send queue past which send() says full; it may go on at half of it. */
  sendQueueBytes: 1 * MiB,
  /** Handed to the link in one go and not yet taken by it, at most; less on links measured to be slow. */
  maxLinkQueueBytes: 2 * MiB,
  /** Largest payload of a frame until LINK_HELLO agreed on another. */
  framePayloadBytes: 16 * KiB,
  /** Largest payload that we offer in LINK_HELLO. */
  maxFramePayloadBytes: 1 * MiB + 4 * KiB,
  /** A frame takes at most this long at the link's measured rate, so that control never waits longer. */
  frameTimeMs: 5,
  /** Largest opening header of a stream. */
  maxHeaderBytes: 4 * KiB,
  /** Control output waiting for a link that does not take it; past it the link is aborted. */
  maxQueuedControlBytes: 1 * MiB,
  /** LINK_HELLO must have arrived by then. */
  helloTimeoutMs: 10_000,
  /** A probe after this much silence. */
  keepaliveIdleMs: 15_000,
  /** With data outstanding: a probe this often, suspect and dead after. Any byte is life. */
  probeIntervalMs: 500,
  suspectMs: 1_500,
  deadMs: 30_000,
});

/** Dialling and accepting (every transport). */
export const transportDefaults = Object.freeze({
  /** A dial that has not connected by then fails with ERR_XFER_TIMEOUT. */
  dialTimeoutMs: 10_000,
  /** The next address of a name is tried beside the first after this long (RFC 8305 §5). */
  happyEyeballsMs: 250,
  /** close() lets streams finish for this long, then aborts. */
  closeTimeoutMs: 5_000,
  /** Connections that a listener has at once, in all and from one source address; one past it is closed before any work. */
  maxConnections: 1024,
  maxConnectionsPerAddress: 256,
});

/** session (DESIGN §6). */
export const sessionDefaults = Object.freeze({
  /** A stranger must have finished the handshake by then; counted from the connection. */
  handshakeTimeoutMs: 5_000,
  /** Handshakes under way at once at a listener, in all and from one source address; past it they are refused. */
  maxHandshakes: 64,
  maxHandshakesPerAddress: 8,
  /** A dialer's turn at the code lasts this long at most, so that a silent one keeps nobody out; past it the run is aborted. */
  pairingRunTimeoutMs: 2_000,
  /** Largest handshake message. */
  maxHandshakeMessageBytes: 4 * KiB,
  /** Largest sealed control message. */
  maxControlBytes: 256 * KiB,
  /** Largest body of a record; what a record may hold on the wire is this and its header and tags. */
  recordBytes: 1 * MiB,
  /** A key seals this many records, then it is ratcheted. */
  recordsPerKey: 2 ** 16,
  /** At or below this size content rides in a packed record, and a peer without `streaming` gets whole messages. */
  streamingThresholdBytes: 64 * KiB,
  /** Shortest code that a user may choose, in characters. */
  minCodeCharacters: 12,
  /** Control messages kept until the other side acknowledged them; past it the sender of them waits. */
  maxUnacknowledgedControl: 1024,
  /** Those that wait for that; an honest transfer has at most two for each entry of a few batches. Past it the session ends. */
  maxWaitingControl: 8192,
  /** Control messages that came before one that is missing, all together; past it the session ends. */
  maxEarlyControlBytes: 16 * MiB,
  /** Lanes of a session at once, and lanes that are joining; a further one is refused. */
  maxLanes: 16,
  maxJoiningLanes: 4,
  /** A side that has sent nothing for this long says that it is there. */
  heartbeatMs: 2_000,
  /** A lane on which nothing at all was heard for this long is lost. */
  silenceMs: 8_000,
  /** `--retry` where it is not given: a session without any lane waits so long for another. */
  retryMs: 30_000,
});

/** transfer (DESIGN §7). */
export const transferDefaults = Object.freeze({
  /** Content sent and not yet acknowledged as received. */
  windowBytes: 24 * MiB,
  /** Entries of one manifest batch, and its bytes before sealing. */
  manifestBatchEntries: 512,
  manifestBatchBytes: 128 * KiB,
  /** Files open at once on either side. */
  maxOpenFiles: 64,
  /** Progress events are at least this far apart. */
  progressIntervalMs: 250,
  /** Longest path and component that a receiver takes, in bytes of UTF-8; links' targets too. */
  maxPathBytes: 4096,
  maxNameBytes: 255,
  /** Deepest path that a receiver takes. */
  maxPathDepth: 256,
  /** Entries of one transfer; past it the receiver refuses. */
  maxEntries: 10_000_000,
});

/** What a sender looks for on its own machine; nobody on the wire can tell. */
export const scanDefaults = Object.freeze({
  /** Files of several names that a sender remembers, at 32 bytes each; past it later names are sent as files of their own. */
  maxHardLinks: 2 ** 20,
  /** Patterns that say what is sent, and the bytes of a file of them; past either ERR_XFER_USAGE. */
  maxFilterPatterns: 10_000,
  maxFilterBytes: 1 * MiB,
});
