import type { Address } from './address.js';

/** The version of this contract; a descriptor of another version is refused. */
export const transportApiVersion = 1;

/** What a plugin hands to the core from its oclif hook `xfer:transports`. Cheap: nothing is loaded until it is used. */
export interface TransportDescriptor {
  readonly apiVersion: typeof transportApiVersion;
  readonly name: string;
  /** URL schemes without `://`, the first is the one that is printed. */
  readonly schemes: readonly string[];
  load(): Promise<Transport>;
}

export interface Transport {
  /** What THIS machine can do with the transport; never touches the network beyond loopback. */
  probe(): Promise<ProbeResult>;
  /** Rejects with an XferError (ERR_XFER_ADDRESS_IN_USE, ERR_XFER_PERMISSION …). */
  listen(at: Address, options: ListenOptions): Promise<Listener>;
  /** Rejects with an XferError (ERR_XFER_UNKNOWN_HOST, _CONNECTION_REFUSED, _UNREACHABLE, _TIMEOUT …), or with the signal's reason. */
  dial(to: Address, options: DialOptions): Promise<Connection>;
}

export type ProbeResult =
  | { readonly ok: true; readonly detail: string }
  | { readonly ok: false; readonly code: string; readonly reason: string; readonly remedy: string };

export interface ListenOptions {
  /** Called for each connection, before any stream of it is reported: install `onStream` at once. */
  onConnection(connection: Connection, admission?: Admission): void;
  /** Connections at once in all and from one source address; one past it is closed before any work. Default: transportDefaults. */
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
  /**
   * Asked with the source address of a connection as soon as that is proven (a forged one would be charged to somebody
   * else), before anything else is done for it; undefined closes it at once. Default: all are taken.
   */
  admit?(source: string): Admission | undefined;
  readonly limits?: ConnectionLimits;
  /** What a listener with TLS shows its dialers, in PEM; where it is missing such a listener is refused with ERR_XFER_USAGE. */
  readonly tls?: TlsIdentity;
  readonly tuning?: TransportTuning;
}

/** How this side uses the network, by its user's choice alone. Transports that have no such choice ignore it. */
export interface TransportTuning {
  /** What decides how fast to send: `bbr`, `cubic`, `ledbat`, or a rate such as `fixed:80mbit`. Default: the transport's. */
  readonly congestion?: string;
  /** The largest IP packet of the link: datagrams are so long less the headers. Default: found out for each path. */
  readonly mtuBytes?: number;
  /** The provider of the fabric, as libfabric names it. Default: the first of those that both ends have. */
  readonly provider?: string;
}

export interface TlsIdentity {
  /** The certificate of this host, and behind it those between it and an authority. */
  readonly certificate: string | Buffer;
  /** The private key of the first of them, without a passphrase. */
  readonly key: string | Buffer;
}

/** The place that a listener's user has given to a connection. */
export interface Admission {
  /** The connection is over, or never came to be. Called once. */
  over(): void;
}

/** What a connection allows the other side, in place of `muxDefaults`. */
export interface ConnectionLimits {
  /** Streams that the other side may have open at once, and those of them that are not accepted yet. */
  readonly maxStreams?: number;
  readonly maxPendingOpens?: number;
  /** What a stream may bring before it is accepted; 64 KiB at most. */
  readonly earlyStreamBytes?: number;
  /** A stream's receive window grows no further. */
  readonly maxWindowBytes?: number;
  /** A connection must have said hello by then. */
  readonly helloTimeoutMs?: number;
  /** Receive windows and streams that all connections with the same one have together. */
  readonly budget?: ConnectionBudget;
}

/** The one that `xfer/plugin` has is `MuxBudget`. */
export interface ConnectionBudget {
  /** New streams start with their smallest window. */
  readonly scarce: boolean;
  takeBytes(bytes: number): boolean;
  giveBytes(bytes: number): void;
  takeStream(): boolean;
  giveStream(): void;
}

export interface Listener {
  /** With the real port where 0 was asked for. */
  readonly address: Address;
  /** Stops accepting; connections stay as they are. */
  close(): Promise<void>;
}

export interface DialOptions {
  readonly signal: AbortSignal;
  /** Default: transportDefaults.dialTimeoutMs. */
  readonly timeoutMs?: number;
  /** IP addresses of the host: nothing else may be resolved or connected to. The host stays the name for TLS. */
  readonly resolved?: readonly string[];
  readonly limits?: ConnectionLimits;
  readonly tuning?: TransportTuning;
}

/** How a connection ended. `error` is there unless both sides meant it. */
export interface CloseReason {
  readonly by: 'local' | 'remote';
  readonly clean: boolean;
  readonly error?: Error;
}

export interface ConnectionCapabilities {
  readonly streams: 'native' | 'muxed';
  readonly ordered: boolean;
  /** Whether the transport encrypts by itself; sessions are sealed either way. */
  readonly encrypted: boolean;
  readonly maxStreams: number;
  /** What is sent from `Connection.memory` is not copied on its way out. */
  readonly zeroCopy: boolean;
  /**
   * It leads over a fabric that the users of both ends may trust: where both say so, content may go unsealed. Default: false, as for
   * everything that others can listen to.
   */
  readonly isFabric?: boolean;
}

/** Memory that a transport sends from without a copy. */
export interface TransportMemory {
  /**
   * At least `bytes` long, contents undefined, byte 52 (the body of a sealed record) on a page of 4 KiB: its ArrayBuffer begins on
   * one, and `byteOffset + 52` is a multiple of 4096. undefined where none is free: what is sent may lie anywhere.
   */
  acquire(bytes: number): Buffer | undefined;
  /** Gives back what `acquire` gave, the same object, once; after the connection too. */
  release(buffer: Buffer): void;
}

/**
 * Within the handler that has got bytes, once: they stay as they are, and may be changed, until the function that it gives is called,
 * once, past the end of the stream and of the connection too. undefined: too many are kept already, the bytes live until the handler
 * returns. What is kept holds up nothing: credit is given as if it were not, and more is received meanwhile.
 */
export type Retain = () => (() => void) | undefined;

/** What transports over datagrams count beside the rest, where they can tell. */
export interface PathCounters {
  /** The congestion window. */
  readonly cwndBytes?: number;
  /** What `lost` is to be compared with. */
  readonly datagramsSent?: number;
  /** Largest datagram that the path is known to carry, without headers of IP and UDP. */
  readonly datagramBytes?: number;
  readonly datagramsReceived?: number;
  /** How often the congestion control slowed down. */
  readonly congestionEvents?: number;
}

export interface ConnectionStats extends PathCounters {
  readonly minRttMs: number;
  readonly rttMs: number;
  readonly lost: number;
  /** Sent and not acknowledged by the transport, where it can tell, else 0. */
  readonly inFlightBytes: number;
  /** Handed to the transport and not yet given to the kernel or the device. */
  readonly unsentBytes: number;
  /** Bytes a second, measured; 0 until there is a measurement. */
  readonly deliveryRate: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly streams: number;
  /** Frames by type, of transports that have mux's. */
  readonly frames?: FrameStats;
}

/** By the names of types; those of one direction are always the same. */
export interface FrameStats {
  readonly received: Readonly<Record<string, number>>;
  readonly sent: Readonly<Record<string, number>>;
}

/** Two adjacent peers joined by one transport. */
export interface Connection {
  readonly capabilities: ConnectionCapabilities;
  readonly local: Address;
  readonly remote: Address;
  /** It leads over relays: `remote` is the first of them. Default: false. */
  readonly isRelayed?: boolean;
  /** Memory to send from, where it makes a difference to the transport. */
  readonly memory?: TransportMemory;
  /** Returns at once, and data may follow at once; `stream.opened` settles with the answer. */
  openStream(options?: OpenStreamOptions): Stream;
  /** The handler must call `accept()` or `refuse()` sooner or later; without a handler streams are refused. */
  onStream(handler: (stream: Stream, header: Uint8Array) => void): void;
  /** No new streams from either side; those that are open go on. */
  drain(): void;
  /** Drains, waits for streams to end (transportDefaults.closeTimeoutMs at most), then closes. Never rejects. */
  close(): Promise<void>;
  /** Ends everything at once; every stream sees a reset. */
  abort(error: Error): void;
  /** Settles once, never rejects. */
  readonly closed: Promise<CloseReason>;
  /**
   * Whether it is an xfer that answers there: true with the first that was understood of it, false where the connection ended
   * before. Default: true as soon as there is a connection.
   */
  readonly answered?: Promise<boolean>;
  /** Nothing was heard for longer than the transport finds healthy although data is outstanding; false again with the next byte. */
  onSuspect(handler: (suspect: boolean) => void): void;
  /** A message to the other end of this connection, beside all streams: 1 to `maxMessageBytes` bytes. */
  sendMessage(bytes: Uint8Array): void;
  /** The bytes live until the handler returns. Messages that came before there was a handler are lost. */
  onMessage(handler: (bytes: Uint8Array) => void): void;
  /** Calls the handler with each round trip that is measured, in milliseconds; where there are keepalives. */
  onRoundTrip?(handler: (ms: number) => void): void;
  stats(): ConnectionStats;
  /** On a path of several hops: what a refusal or reset with this detail was about. */
  explain?(detail: Uint8Array, isConnectionOver: boolean): Error | undefined;
}

export interface OpenStreamOptions {
  /** Opening header, at most muxDefaults.maxHeaderBytes. */
  readonly header?: Uint8Array;
  /** What the stream gives as its `connection`, for a connection that wraps another. Default: this one. */
  readonly owner?: Connection;
  /** Higher goes first among streams that have something to send. Default: 0. */
  readonly priority?: number;
}

/** OPEN_ERR codes (DESIGN §4). */
export const openErrorCode = Object.freeze({
  routeNotFound: 1,
  refused: 2,
  timeout: 3,
  accessDenied: 4,
  dnsFailure: 5,
  resourceLimit: 9,
});

/** RESET and STOP codes (DESIGN §4). */
export const resetCode = Object.freeze({ internal: 1, protocol: 2, timeout: 3, cancelled: 4 });

/** Longest message of `Connection.sendMessage`. */
export const maxMessageBytes = 4096;
/** Longest answer of `accept`, and detail of `refuse` and `reset`. */
export const maxDetailBytes = 256;

/** A bidirectional, ordered, flow-controlled, half-closable byte pipe inside a connection. */
export interface Stream {
  readonly id: number;
  readonly connection: Connection;
  /** Listener's side: takes the stream and grants the full window. The answer is what `opened` gives the opener. */
  accept(answer?: Uint8Array): void;
  /** Listener's side: OPEN_ERR with a code of `openErrorCode`. */
  refuse(code: number, detail?: Uint8Array): void;
  /** Resolves with OPEN_ACK; rejects with an `OpenRefused` or the connection's error. Safe to ignore. */
  readonly opened: Promise<Uint8Array>;
  /**
   * Always accepts. False means full: `drained()` tells when to go on. The bytes belong to the transport until
   * `release` is called, which happens exactly once, also when the stream is reset.
   */
  send(bytes: Uint8Array | readonly Uint8Array[], release?: () => void): boolean;
  /** Resolves when send() may go on, or when the stream can send no more (then send() drops and releases at once). */
  drained(): Promise<void>;
  /** FIN, behind all data sent before. */
  closeWrite(): void;
  /**
   * The bytes live until the handler returns. Data that came before a handler is kept, within the window.
   * `place` may be asked, at any time, for memory into which the next bytes can be read: then the handler gets them
   * there and has nothing to copy. It is a hint: the handler may get them elsewhere, although something was read
   * into that memory. Until the handler is called again the memory is the transport's: for good, if it never is.
   * `retain`, where the transport has it, keeps the bytes of this call.
   */
  onData(handler: (bytes: Uint8Array, retain?: Retain) => void, place?: () => Uint8Array | undefined): void;
  /** FIN of the other side, after its last data. */
  onEnd(handler: () => void): void;
  /** RESET by the other side, or the end of the connection. Called at most once. */
  onReset(handler: ResetHandler): void;
  /** STOP by the other side: it reads no more. Called at most once. */
  onStop(handler: (code: number) => void): void;
  /** From now on what is read gives the sender no credit: only `credit()` does, when the bytes are gone from here. */
  holdCredit(): void;
  /** So many bytes of those that were read take no memory here any more. */
  credit(bytes: number): void;
  /** Stops onData; the sender is held by credit, no other stream is. */
  pause(): void;
  resume(): void;
  /** STOP: says that we read no more; the other direction goes on. */
  stopReading(code: number): void;
  /** RESET: both directions at once, buffers discarded. */
  reset(code: number, detail?: Uint8Array): void;
  /** Settles when both directions have ended, or with a reset from either side. Never rejects. */
  readonly closed: Promise<void>;
}

/** `isConnectionOver`: it was not the other side's RESET, the connection has ended. */
export type ResetHandler = (code: number, detail: Uint8Array, isConnectionOver: boolean) => void;

/** Why `opened` rejected when the other side said no. */
export class OpenRefused extends Error {
  override readonly name = 'OpenRefused';
  readonly openCode: number;
  readonly detail: Uint8Array;

  constructor(openCode: number, detail: Uint8Array = new Uint8Array()) {
    super(`the other side refused the stream (code ${openCode})`);
    this.openCode = openCode;
    this.detail = detail;
  }
}
