const KiB = 1024;
const MiB = 1024 * KiB;

/** Ports that a bare host means (DESIGN §9). */
export const defaultPorts = Object.freeze({
  tcp: 4840,
  ws: 4840,
  wss: 4840,
  udp: 4840,
  quic: 4841,
  /** Of its bootstrap, whatever the provider (docs/rdma.md). */
  rdma: 4842,
  'rdma+efa': 4842,
  'rdma+verbs': 4842,
  'rdma+tcp': 4842,
  'rdma+shm': 4842,
});

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
  /** A window is renewed each time when this part of it was read (2: half). */
  windowRenewals: 2,
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

/**
 * In place of the same of `muxDefaults` on links that carry streams by themselves. Such a link finds by itself how fast
 * its path is, from the first round trip on, and what is lost holds back all of the stream behind it for a round trip and
 * a half or more: a window that is to hold nobody up holds several round trips. Chosen by test/sim/window-path.test.ts.
 */
export const muxStreamsDefaults = Object.freeze({
  initialWindowBytes: 2 * MiB,
  maxWindowBytes: 32 * MiB,
  windowRenewals: 16,
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

/** How a target without a scheme is dialled (docs/selection.md). */
export const waysDefaults = Object.freeze({
  /** The next way is tried beside those before after this long (RFC 8305 §5, for addresses): most paths have answered by then. */
  nextWayMs: 150,
  /** Less likely ports, 443 above all, are tried after this long without an answer of the others, then so far apart: all within a second. */
  otherPortsMs: 200,
  nextOtherMs: 100,
  /** Port that is open where no other is. */
  lastPort: 443,
  /** A connection on which nothing was heard for so long, and twice what connecting took, gives way to another that answers. */
  silenceMs: 250,
  /** A way that lost is closed in order within this, or cut. */
  leaveMs: 1_000,
  /** Where something there said no, what is silent is waited for this much longer: ten round trips, within these. */
  leastPatienceMs: 2_000,
  mostPatienceMs: 5_000,
  patienceRoundTrips: 10,
  /** Addresses that a peer tells of in HELLO and that are looked at. */
  maxTold: 16,
});

/** WebSocket as a link (the transport `ws`). */
export const wsDefaults = Object.freeze({
  /** Bytes of a message that is sent, at most: whoever gets it has to gather all of it first. */
  messageBytes: 16 * KiB,
  /** Bytes of a message that is taken, and fragments and reads of the socket that it may come in; past it the link is cut. */
  maxMessageBytes: 64 * KiB,
  maxMessageFragments: 1024,
  maxMessagePieces: 17 * KiB,
  /** Waiting in the socket past which the mux is to write no more; it may go on at half of it. */
  maxBufferedBytes: 1 * MiB,
  /** Head of the HTTP request that becomes a WebSocket; past it the answer is 431. */
  maxUpgradeHeaderBytes: 8 * KiB,
});

/** udp: streams over datagrams (DESIGN §5). */
export const udpDefaults = Object.freeze({
  /** Wanted of SO_RCVBUF and SO_SNDBUF each; what the kernel gives is told in the hello. */
  socketBufferBytes: 8 * MiB,
  /** First size of datagrams, which every path carries (IPv6's least MTU without headers); probing goes up from here. */
  baseDatagramBytes: 1232,
  /** Largest datagram that is sent or taken: what one UDP packet holds over IPv4. */
  maxDatagramBytes: 65_507,
  /** Hellos of a dialer are padded to this, so that an answer never amplifies (RFC 9000 §8.1). */
  helloBytes: 1200,
  /** First packets of a connection before anything is known of the path: paced over the first round trip. */
  initialWindowPackets: 64,
  /** A burst is at most this part of the receiver's real SO_RCVBUF. */
  burstShare: 1 / 4,
  /** Content sent and not known to be delivered in order, all streams of a connection together; what a receiver may have to hold. */
  creditBytes: 64 * MiB,
  /** Of a stream whose OPEN did not come yet, so much is held, and of so many such streams; more is not acknowledged. */
  earlyStreamBytes: 64 * KiB,
  maxEarlyStreams: 16,
  /** Ranges of packet numbers that are remembered; what is below them counts as received. */
  maxAckRanges: 256,
  /** An ACK that need not go at once goes this much later at most. */
  maxAckDelayMs: 5,
  /** Round trip before one was measured (RFC 9002 §6.2.2). */
  initialRttMs: 333,
  /** Least probe timeout; timers and loops are late. */
  leastProbeTimeoutMs: 10,
  /** Probe timeouts in a row after which what was known of the path is void (RFC 9002 §7.6). */
  persistentTimeouts: 3,
  /** Nothing was heard for so long: the connection is over. Above mux's `deadMs`, which judges by outstanding data. */
  idleTimeoutMs: 60_000,
  /** A cookie is good for this long, and an ACCEPT is repeated as long; of so many dialers at once, then of the latest. */
  cookieLifetimeMs: 10_000,
  maxAnsweredDialers: 16_384,
  /** A HELLO without an answer is sent again after this, then after twice as long, at most this, until the dial is given up. */
  helloRepeatMs: 250,
  maxHelloRepeatMs: 2_000,
  /** After VERSIONS or REFUSED, which anyone may have said, an ACCEPT is waited for: four round trips, within these; unmeasured: the longest. */
  refusalPatienceMs: 1_000,
  leastRefusalPatienceMs: 100,
  /** A larger datagram than now is probed at most this often until the path's largest is found, then again after `mtuAgainMs`. */
  mtuProbeIntervalMs: 100,
  mtuAgainMs: 10 * 60_000,
  /** A path challenge is repeated this often, so many times. */
  pathChallengeMs: 300,
  maxPathChallenges: 5,
});

/** quic: streams of QUIC (RFC 9000) by quinn. What is quinn's own, and cannot be chosen, stands in docs/quic.md. */
export const quicDefaults = Object.freeze({
  /** Nothing was heard for so long: the connection is over. A handshake, which has no other limit in quinn, too. */
  idleTimeoutMs: 10_000,
  /** A packet after this much silence, so that a connection lives as long as both ends do. */
  keepAliveMs: 3_000,
  /**
   * Handshakes that a listener can begin before it looks, this often, how many are under way; twice as many as began before
   * the last look, where that is more; and how many may be in all: past it a new dialer waits until one is over. Waiting for
   * one costs 3 KB, and a little of each wake of the loop; one that goes on, and of forged first packets none does before
   * the idle timeout, about 50 KB.
   */
  spareHandshakes: 64,
  handshakeLookMs: 250,
  maxHandshakes: 8192,
  /**
   * QUIC streams that either side may open at once. quinn sets about 75 bytes aside for each, in tables that double: 56 is
   * what fits into 4.3 KB. It tells of new room by eighths, so up to 7 that have ended may stay taken: what is left must do
   * for control, the shared stream and `maxContentStreams`.
   */
  maxStreams: 56,
  /** Of those, for the content of one stream each; that of further streams shares one. */
  maxContentStreams: 47,
  /** What quinn takes of one stream, and of all, before it is read; more than the 10 MB that a sender of it keeps. */
  streamWindowBytes: 16 * MiB,
  connectionWindowBytes: 32 * MiB,
  /** Wanted of SO_RCVBUF and SO_SNDBUF by what dials. */
  socketBufferBytes: 4 * MiB,
  /** And by what listens: more is hardly faster, and what a flood of strangers fills everybody waits behind. */
  listenerBufferBytes: 1 * MiB,
  /** Asked for in one read, at most. It is memory of its own each time, of which what was not read is wasted. */
  readBytes: 256 * KiB,
  /** Taken of one stream at a time. */
  writeBytes: 1 * MiB,
  /** With quinn and, as far as can be told, not sent yet; it grows from the first to the second where that runs dry. */
  leastUnsentBytes: 128 * KiB,
  maxUnsentBytes: 8 * MiB,
  /** Streams, and bytes of them, that came before what opens them; past it the connection is cut. Bytes: see `muxDefaults`. */
  maxEarlyStreams: 1024,
});

/**
 * rdma: streams over messages of a fabric (docs/rdma.md). Receive buffers are registered and posted when a connection is
 * made, and are memory for as long as it lasts: with these, 17 MB, and as much again where it sends bulk content.
 */
export const rdmaDefaults = Object.freeze({
  /** A large receive buffer: a sealed record of 1 MiB, 68 bytes around it and 40 of heads before it, in whole pages. */
  largeBytes: 1 * MiB + 4 * KiB,
  /** Messages of that size that may be on their way to us: what a fabric of 100 Gbit/s brings in 1.3 ms, for a loop that is late. */
  largeCount: 16,
  /** A small one: what control, acknowledgements and small records take, in two pages. */
  smallBytes: 8 * KiB,
  smallCount: 64,
  /** Of what the other side has posted for small messages, this part stays for control while there is content. */
  controlShare: 1 / 8,
  /** Large messages that are with the provider at once, and small ones. */
  maxLargeSends: 8,
  maxSmallSends: 256,
  /** What was sent at once and is at least so long gets a message of its own, so that a record lies in a buffer as it should. */
  aloneBytes: 64 * KiB,
  /** Part of the large receive buffers that readers may keep; past it they copy. */
  keptShare: 1 / 2,
  /** Blocks of registered memory that records are made in, and how many of them are got at a time, ahead of need. */
  memoryBlocks: 16,
  memoryBlocksAtOnce: 4,
  /** Windows of a stream: several records from the beginning, so that no record waits for credit. */
  initialWindowBytes: 8 * MiB,
  maxWindowBytes: 32 * MiB,
  /** Fewer than of other links that carry streams: nothing is lost here, and each one is a message that costs both sides. */
  windowRenewals: 4,
  /** The first message must have come over the fabric this long after the addresses were exchanged; past it the next provider is tried. */
  fabricTimeoutMs: 5_000,
  /** Both sides have ended: the other one's word that it got everything is waited for so long. */
  endTimeoutMs: 2_000,
  /** Endpoints of a listener, and those of them whose dialer has not come over the fabric yet; past it dialers are refused. */
  maxEndpoints: 64,
  maxUnprovenEndpoints: 16,
});

/** The threads of a fabric's endpoints. They run below JavaScript: native/fabric-limits.h has the same, and a test compares them. */
export const fabricDefaults = Object.freeze({
  /** A provider may hang, below a lock of a process that was killed; past it an endpoint closes without its thread. */
  closeTimeoutMs: 2_000,
  /** What was sent just before an endpoint closes has so long to go out; past it it is dropped. */
  lingerMs: 200,
  /** Messages that are being read have so long to come in where their endpoint closes; past it they are broken off. */
  settleMs: 100,
  /** After something came a thread looks for more before it sleeps: so long where little comes often, else the shorter. */
  longSpinUs: 200,
  shortSpinUs: 20,
  /** Often: no more than this passes from one to the next, on average. */
  oftenUs: 300,
  /** A thread that gave way for longer than this sleeps instead: others want the processor. */
  crowdedUs: 100,
  /** Longest sleep where a provider cannot wake it (shm). */
  pollWaitMs: 5,
  /** Endpoints are opened and closed one by one; past it the next no longer waits for one that hangs. */
  turnWaitMs: 1_000,
});

/** session (DESIGN §6). */
export const sessionDefaults = Object.freeze({
  /** A stranger must have finished the handshake by then; counted from the connection. */
  handshakeTimeoutMs: 5_000,
  /** Handshakes under way at once at a listener, in all and from one source address; past it they are refused. */
  maxHandshakes: 64,
  maxHandshakesPerAddress: 8,
  /** A dialer that has begun to prove its key to a relay must be through by then; past it its connection is closed. */
  hopProofTimeoutMs: 2_000,
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
  /** A session that waits for another transfer ends after this long, half a minute behind the dialer's `poolDefaults.idleMs`. */
  idleSessionMs: 330_000,
  /** Sessions that wait so at once, in all and of one peer; past it the one that has waited longest ends. */
  maxIdleSessions: 256,
  maxIdleSessionsPerPeer: 16,
});

/** What is kept open for later use (`ConnectionPool`). */
export const poolDefaults = Object.freeze({
  /** Open at once, in all and of one key; who comes past it waits in order. */
  maxOpen: 64,
  maxOpenPerKey: 4,
  /** What was not used for so long is closed. */
  idleMs: 300_000,
  /** What was not used for so long is asked whether it is still there before it is handed out. */
  checkAfterMs: 1_000,
  /** An answer to that must have come by then, or another one is opened. */
  checkTimeoutMs: 2_000,
});

/** transfer (DESIGN §7). */
export const transferDefaults = Object.freeze({
  /** Content sent and not yet acknowledged as received. */
  windowBytes: 24 * MiB,
  /**
   * On long paths that window grows to so many times bandwidth × delay, and no further than this: where packets are lost,
   * all records behind a missing one wait for it.
   */
  windowProducts: 6,
  maxWindowBytes: 64 * MiB,
  /** Entries of one manifest batch, and its bytes before sealing. */
  manifestBatchEntries: 512,
  manifestBatchBytes: 128 * KiB,
  /** The largest file that goes as a parcel: all of it in one control message. */
  maxParcelBytes: 128 * KiB,
  /** Files open at once on either side. */
  maxOpenFiles: 64,
  /** With `direct`, smaller files go through the page cache all the same: opening them twice costs more than is won. */
  leastDirectBytes: 256 * KiB,
  /**
   * Records with as much content end at a multiple of `pieceAlignBytes` in their file, so that they can be read and written
   * past the page cache: a page of every system that there is, or a part of one.
   */
  leastAlignedBytes: 64 * KiB,
  pieceAlignBytes: 4 * KiB,
  /** Progress events are at least this far apart. */
  progressIntervalMs: 250,
  /** Longest path and component that a receiver takes, in bytes of UTF-8; links' targets too. */
  maxPathBytes: 4096,
  maxNameBytes: 255,
  /** Deepest path that a receiver takes. */
  maxPathDepth: 256,
  /** Entries of one transfer; past it the receiver refuses. */
  maxEntries: 10_000_000,
  /** Of several receivers of the same, one that keeps the others waiting for so long gets the rest by itself. */
  groupPatienceMs: 5_000,
});

/**
 * relay (DESIGN §8). In brackets what Agave has, where it has such a number; its are those of native code on many cores
 * with small packets to take, ours those of one event loop that files go through.
 */
export const relayDefaults = Object.freeze({
  /** A dialer's handshake must be over by then; past it its connection is closed. [2 s] */
  handshakeTimeoutMs: 2_000,
  /** A connection on which nothing is open, and that waits in no room, is closed after this long. [30 to 60 s] */
  idleTimeoutMs: 60_000,
  /** What a stream may bring before it is accepted: the budget lasts for 10,000 idle streams, with a window either way. */
  earlyStreamBytes: 8 * KiB,
  /** A stream's window on one hop, which bounds what a relay holds of it: 40 MB/s at 100 ms round trip. */
  maxWindowBytes: 4 * MiB,
  /**
   * New connections from one source (an address, or the /64 that one IPv6 host has) a minute, and at once; past it they are
   * refused, and charged when its handshake is over. One a second is what retrying takes, and a session may come with 16
   * lanes at once, some of them behind one address. [8, and ten times that]
   */
  connectionsPerMinutePerSource: 60,
  connectionBurstPerSource: 80,
  /** A connection that ends before its handshake does counts as so many more: a source of garbage is soon down to a few a minute. */
  failedHandshakeCost: 10,
  /** One that is refused for what its source does counts as so many, while there are any: at fifty a second nothing more gets in. Retries of a few behind one address are far from that. */
  refusedConnectionCost: 0.02,
  /** New connections of all sources a second, and at once; with its handshake one costs the loop about a millisecond. [2500, 1000] */
  connectionsPerSecond: 1_000,
  connectionBurst: 3_000,
  /** Handshakes under way, in all and from one source: the rate times the deadline, and two sessions with all their lanes. */
  maxPendingHandshakes: 2_048,
  maxPendingHandshakesPerSource: 32,
  /** Connections in all, those whose handshake is under way among them; more than `maxConnections`, so that who has weight gets as far as to say so. [1.25 × 4000] */
  maxAdmittedConnections: 5_000,
  /** Connections from one source: eight sessions with all their lanes behind one address. [8, 16 staked, both a peer] */
  maxConnectionsPerSource: 128,
  /** Sources remembered; past it the one heard of longest ago is forgotten, and starts anew. [100,000] */
  maxSources: 100_000,
  /** Connections whose handshake is over; past it the least one goes, or the new one. [2000 staked, 2000 unstaked] */
  maxConnections: 4_000,
  /** Those of one peer, wherever it dials from; past it a new one is refused. */
  maxConnectionsPerPeer: 128,
  /** A connection without a stream gives way to another of equal weight after this long only, or a flood would push out who has just come. */
  leastIdleMs: 5_000,
  /** Streams that one peer may open a second, and at once; past it OPEN_ERR 9. */
  opensPerSecond: 1_000,
  openBurst: 1_000,
  /** A peer may always have so many streams at once, as far as there are any: the lanes of a few sessions. [128] */
  leastStreamsPerPeer: 128,
  /** Where any peer is listed, so much of all streams is kept for those who are; strangers have the rest together. [0.8, of what may be opened] */
  listedStreamPart: 0.75,
  /** What one event loop can open a second, all peers together; near it who opens more than its share waits. [500,000] */
  streamsPerSecond: 2_000,
  /** Turns to open a stream are given for this long at a time. [100] */
  streamWindowMs: 100,
  /** The load is a moving average over about so long, in steps of so many milliseconds. [40 times 5] */
  streamMeanMs: 200,
  streamStepMs: 5,
  /** Load and what goes through are measured over this long. [100 ms windows, a mean of 40 times 5 ms] */
  shareWindowMs: 100,
  /** Under load, so often it is looked who may go on. Past 20 ms shares become inexact, and what is held leaves the loop idle. */
  shareTickMs: 10,
  /** Shares, of bytes and of streams, are kept from this load on, in parts of one, until it has been below the lower for a window. [0.95] */
  saturatedLoad: 0.95,
  calmLoad: 0.85,
  /** The weight of all strangers together; one listed peer has 1 where nothing else is said. */
  strangersWeight: 1,
  /** Rooms in all and of one peer; past it a new one is refused. */
  maxRooms: 10_000,
  maxRoomsPerPeer: 16,
  /** A room is closed after this long, used or not. */
  roomLifetimeMs: 24 * 60 * 60 * 1000,
  /** Rooms that one source may ask for in vain a minute, and at once; past it nothing is looked up for it. */
  roomMissesPerMinute: 10,
  /** After SIGTERM streams go on for this long; past it they are cut. */
  drainTimeoutMs: 30_000,
});

/** How a relay forwards (DESIGN §8), and how long it puts up with who does nothing. */
export const forwardingDefaults = Object.freeze({
  /** A relay that stores holds this much of a stream, either way: a few records of the largest size. A record that is longer resets its stream. */
  storeLimitBytes: 8 * MiB,
  /** All that it stores; past it the stream that wants more is reset. As much as all windows together. */
  storeBudgetBytes: 256 * MiB,
  /** A stream whose parts it cannot tell is sent on when nothing more came for this long. */
  storePauseMs: 20,
  /** The rest of a record must go on coming, and one branch of several must go on taking; past it the stream, or the branch, is reset. [5 s] */
  inactivityMs: 5_000,
  /** A stream that nobody answers, or of which one direction is over and nothing moves on the other, is reset. [60 s] */
  orphanMs: 60_000,
});

/** What a sender looks for on its own machine; nobody on the wire can tell. */
export const scanDefaults = Object.freeze({
  /** Files of several names that a sender remembers, at 32 bytes each; past it later names are sent as files of their own. */
  maxHardLinks: 2 ** 20,
  /** Patterns that say what is sent, and the bytes of a file of them; past either ERR_XFER_USAGE. */
  maxFilterPatterns: 10_000,
  maxFilterBytes: 1 * MiB,
});

/** The measuring stream, by which `xfer doctor TARGET` finds out what a path carries. It is for strangers, so it is short and rare. */
export const measuringDefaults = Object.freeze({
  /** Content is counted for this long; then the listener reads no more. */
  contentMs: 2_000,
  /** And no more than this of it. */
  maxContentBytes: 4096 * MiB,
  /** How often the listener says how much has come. */
  reportMs: 250,
  /** Round trips that one stream may ask for; past it the stream is reset. */
  maxPings: 64,
  /** Streams at once at a listener, in all and of one source address; content is taken of one of them at a time. Past either they are refused. */
  maxStreams: 16,
  maxStreamsPerAddress: 12,
  /** Those that one source may begin a minute, and at once: one doctor has a stream for each way that answers, nine or so. Past it they are refused. */
  streamsPerMinute: 16,
  /** Sources remembered; past it the one heard of longest ago is forgotten. */
  maxSources: 4_096,
  /** A stream may wait for its turn this long, content included; past it it is reset. */
  lifetimeMs: 30_000,
});

/** `xfer bench`: what it runs unless told otherwise, and what its other end takes of a stranger. */
export const benchDefaults = Object.freeze({
  /** A file, or what goes through a pipe: a second or less here, and longer than anything takes to start. */
  contentBytes: 256 * MiB,
  /** Messages of memory; those of latency, and what each of many streams carries. */
  memoryBytes: 1 * MiB,
  smallBytes: 64,
  smallFileBytes: 4 * KiB,
  files: 2_000,
  streams: 10_000,
  /** A run of memory, and one of latency. */
  memoryMs: 1_000,
  latencyMs: 200,
  /** Beside fabtests messages are every power of two from one byte to so many, as those have them; each runs for so long. */
  largestBytes: 4 * MiB,
  sweepMs: 100,
  /** Of a file or a pipe; past it ERR_XFER_USAGE. */
  maxContentBytes: 64 * 1024 * MiB,
  /** The largest message that can be asked for; past it ERR_XFER_USAGE here, and the other end refuses the stream. */
  maxMessageBytes: 16 * MiB,
  /** The smallest record that can be asked for: below it a transfer is all heads and tags. */
  minRecordBytes: 1 * KiB,
  /** Rounds: the fewest that have a middle and a spread which one bad run does not make. */
  repeats: 5,
  /** A row that lost no more than this beside a baseline is no regression. */
  tolerance: 0.1,
  /** What can be asked for; past it ERR_XFER_USAGE. */
  maxRepeats: 99,
  maxIterations: 100_000_000,
  maxSizes: 64,
  maxCount: 1_000_000,
  /** Messages of one way that the other end has not acknowledged yet, at most. */
  windowMessages: 64,
  /** However long that takes, a run by time has so many messages. */
  minIterations: 4,
  /** And a run by their number so many more before it, for each that is counted: a tenth, and within these. */
  warmUpShare: 0.1,
  minWarmUp: 2,
  maxWarmUp: 1_000,
  /** A run ends with what it has by then, whatever was asked for. */
  runMs: 60_000,
  /** How often a run tells how far it is. */
  progressMs: 100,
  /** Nothing moved for this long: the run fails with ERR_XFER_TIMEOUT. */
  silenceMs: 10_000,
  /** The other end resets a stream that is older than this. */
  streamMs: 90_000,
  /** It ends a connection that has had no stream for this long, or is this old: others wait for their turn. */
  idleMs: 10_000,
  connectionMs: 3_600_000,
  /** Streams of the pattern of that name that one connection may have open at once; past it they are refused. */
  maxStreams: 10_000,
  /** What each of them may bring before it is accepted, and its first window where there are many: 80 MiB for all. */
  earlyStreamBytes: 8 * KiB,
  /** Before them so many one after the other, or as many as come in this time: for the time to the first byte. */
  firstBytes: 1_000,
  firstBytesMs: 250,
  /** No more of them are let in for this long: these are all that may be open at once. */
  streamsStallMs: 1_500,
  /** Connections that it has at once, of which those of one bench have the turn; past it they are closed before any work. */
  maxConnections: 32,
  /** Messages that streams of these connections may have in all, one each: past it a stream is refused. */
  maxTurnBytes: 64 * MiB,
  /** How long the other end on this machine may take from its start until it listens. */
  startMs: 20_000,
  /**
   * And a process that is told to end until it is killed: before this one has to end itself, `graceMs`. One that tells nothing
   * for this long has failed with ERR_XFER_TIMEOUT.
   */
  stopMs: 3_000,
  processSilenceMs: 60_000,
  /** The first run of a pipe is checked byte for byte, before it counts, with so much at most. */
  checkedPipeBytes: 64 * MiB,
  /** What goes into a pipe for a time is this much content, again and again. */
  repeatedPipeBytes: 64 * MiB,
  /** Files in a directory of small-files. */
  filesInDirectory: 100,
  /** The reference sends for this long in each round; a second at most. */
  referenceMs: 200,
  /** Of native loops over a fabric: the largest message, and receive buffers of both sizes. */
  nativeLargeBytes: 4 * MiB,
  nativeLargeCount: 8,
  nativeSmallBytes: 4 * KiB,
  nativeSmallCount: 256,
  /** Of other tools: how long one may take to say what it is, and a server of it to listen; past it the tool is skipped. */
  toolAnswerMs: 2_500,
  toolStartMs: 10_000,
  /** It moved nothing for this long: its run fails with ERR_XFER_TIMEOUT. */
  toolSilenceMs: 30_000,
  /** Of `--watch`: passes that each contestant's history has; past it the oldest is forgotten. */
  keptPasses: 1_000,
  /** It waits so long before a pass that follows a failed one, each time twice as long. */
  firstPauseMs: 1_000,
  lastPauseMs: 30_000,
  /** How long the process at the near end of a link may take to end what it has open. */
  nearEndMs: 2_000,
  /** Of an emulated link, which loses the same packets in the next run unless told otherwise. */
  linkSeed: 1,
  /** What can be asked for; past it ERR_XFER_USAGE. */
  maxLinkSeed: 2 ** 32 - 1,
  minLinkBits: 8_000,
  maxLinkBits: 100e9,
  maxLinkDelayMs: 10_000,
  /** A packet of 1500 bytes fits. */
  minLinkQueueBytes: 1_500,
  maxLinkQueueBytes: 1024 * MiB,
});
