/** An IP address and a port. IPv4 is never written as an IPv6 address, on sockets of both families either. */
export interface SocketAddress {
  readonly host: string;
  readonly port: number;
  /**
   * Of a stray's source, where the socket is bound to a wildcard: our address that it was sent to. `sendStray`,
   * `addConnection` and `path` take it as the one that is sent from, as long as it is ours; else, and always in the twin,
   * the kernel chooses.
   */
  readonly local?: string;
}

export interface BatchSocketOptions {
  /** An IP address to bind; `::` takes IPv4, too. */
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** Wanted size of the kernel's buffers, each; SO_*BUFFORCE where that is allowed. 0: the system's. Default: udpDefaults.socketBufferBytes. */
  readonly socketBufferBytes?: number;
  /** False switches UDP_SEGMENT or UDP_GRO off where the machine has it. Default: true. */
  readonly gso?: boolean;
  readonly gro?: boolean;
  /**
   * What is received is handed over when so many messages are there, or when the deadline has passed since the first.
   * Default: at once, with as many as there are.
   */
  readonly coalesce?: { readonly messages: number; readonly deadlineMs: number };
}

/** What the socket turned out to have. */
/** As the kernel has them: what it counts against is more than the payload. */
export interface BufferSizes {
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
}

export interface BatchSocketFeatures extends BufferSizes {
  readonly kind: 'native' | 'typescript';
  readonly gso: boolean;
  readonly gro: boolean;
  readonly ecn: boolean;
}

/** Since the socket was made. A packet is a datagram on the wire; a message what one entry of a batch holds; a batch one call. */
export interface BatchCounters {
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly batchesSent: number;
  readonly packetsReceived: number;
  readonly bytesReceived: number;
  readonly batchesReceived: number;
  /** Batches that were as large as may be: there was likely more. */
  readonly fullBatches: number;
  /** Not sent: the kernel's queue was full. */
  readonly packetsDropped: number;
  /** Not sent: the kernel refused just these, their path was gone, or the socket broke before their turn. */
  readonly packetsFailed: number;
  /** Received for a connection that nobody has here, or with a wrong tag. */
  readonly packetsUnknown: number;
  readonly packetsForged: number;
}

export interface Datagram {
  readonly to: SocketAddress;
  /** One or several pieces, sent as one datagram; longer than `segmentBytes`: as several, each so long but the last. */
  readonly bytes: Uint8Array | readonly Uint8Array[];
  readonly segmentBytes?: number;
}

/** Datagrams of one source that came one behind the other, all of `segmentBytes` but the last, which may be shorter. */
export interface DatagramRun {
  readonly from: SocketAddress;
  /** Live until the handler returns. */
  readonly bytes: Uint8Array;
  readonly segmentBytes: number;
  /** Of the IP header: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. */
  readonly ecn: number;
}

/**
 * Datagrams, many a call. Nothing blocks. Errors of single messages are counted, never thrown; a socket that is broken
 * for good tells `onError` once.
 */
export interface BatchSocket {
  readonly address: SocketAddress;
  readonly features: BatchSocketFeatures;
  readonly counters: BatchCounters;
  /**
   * How many of them went; one that the kernel refuses is skipped and counted. Where the kernel's queue is full the rest is
   * dropped and counted. The bytes may change when this returns.
   */
  send(datagrams: readonly Datagram[]): number;
  /** One payload to each of them. How many went. */
  sendToMany(payload: Uint8Array, targets: readonly SocketAddress[]): number;
  /** Set once, at once. The runs live until the handler returns. */
  onDatagrams(handler: (runs: readonly DatagramRun[]) => void): void;
  onError(handler: (error: NodeJS.ErrnoException) => void): void;
  /**
   * Stops at once: no handler is called any more, and what was received but not handed over is dropped. What was handed to
   * the kernel still goes; what waits in the twin, because the kernel's queue was full, does not.
   */
  close(): void;
}

/** The header of data packets and of control packets, see docs/udp.md. */
export const packetLayout = Object.freeze({
  /** First byte. Packets of other types are strays: `PacketBatch` gives them as they are. */
  data: 0x20,
  /** Its last byte of content is the stream's. */
  dataFin: 0x21,
  control: 0x30,
  /** Destination's connection id, 8 bytes; packet number, 6 bytes. */
  connectionAt: 1,
  numberAt: 9,
  /** Of data packets: stream id, 4 bytes; offset of the content in the stream, 6 bytes; tag over all before it and the content's length, 8 bytes. */
  streamAt: 15,
  offsetAt: 19,
  dataTagAt: 25,
  dataHeaderBytes: 33,
  /** Of control packets: frames from here to the tag over all before it, which is at the end. */
  framesAt: 15,
  tagBytes: 8,
  /** A run has no more packets than eight messages of UDP_SEGMENT with 44 each, the most of usual datagrams that 65,507 bytes hold. */
  maxRunPackets: 352,
});

export interface PacketConnection {
  /** Our connection id, 8 bytes: what we get is addressed to it. */
  readonly localId: Uint8Array;
  /** The other side's, 8 bytes. */
  readonly remoteId: Uint8Array;
  /** SipHash-2-4 keys, 16 bytes each. */
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  readonly remote: SocketAddress;
}

/** Where the numbers of a run stand in `PacketBatch.fields`, counted from run × `size`. */
export const packetField = Object.freeze({
  /** `packetKind`. */
  kind: 0,
  /** Number that `addConnection` gave; −1 for strays. */
  connection: 1,
  /** First packet's number, and how many packets of consecutive numbers. */
  number: 2,
  packets: 3,
  /** Of data: stream id, offset of the first byte, 1 where the last packet has the stream's end. */
  stream: 4,
  offset: 5,
  fin: 6,
  /** Where in `PacketBatch.slab` the content (data), the frames (control) or the whole datagram (strays) is, and its bytes. */
  at: 7,
  bytes: 8,
  /** Packets of the run that came with the mark CE. */
  marked: 9,
  /** Number that `path` gives for the source address; −1 for strays. */
  path: 10,
  size: 11,
});

export const packetKind = Object.freeze({ stray: 0, data: 1, control: 2 });

/** What was received at once; all of it lives until the handler returns. Runs stand in order of arrival. */
export interface PacketBatch {
  readonly runs: number;
  readonly fields: Float64Array;
  readonly slab: Uint8Array;
  /** Where run `index` came from, with `local` where the socket has several addresses. Throws RangeError where it is no stray. */
  sourceOf(index: number): SocketAddress;
}

/** Where the numbers of a run stand in what `sendRuns` takes, counted from run × `size`. */
export const runField = Object.freeze({
  connection: 0,
  path: 1,
  number: 2,
  packets: 3,
  stream: 4,
  offset: 5,
  fin: 6,
  /** Content of each packet but the last. */
  packetBytes: 7,
  /** Content of all packets. */
  bytes: 8,
  /** How many of `pieces` are its content. */
  pieces: 9,
  size: 10,
});

/**
 * A batch socket that knows the packets of xfer's UDP connections: it writes and reads their headers, makes and checks
 * their tags and joins consecutive packets to runs. What is not of a connection that it was told of, or forged, is
 * counted and dropped, but for types other than data and control: those are strays.
 */
export interface PacketSocket extends Omit<BatchSocket, 'onDatagrams'> {
  /** Set once, at once. */
  onPackets(handler: (batch: PacketBatch) => void): void;
  /** A dial that the kernel knows to be refused (ICMP), where it tells: the address and ECONNREFUSED or the like. */
  onUnreachable(handler: (to: SocketAddress, code: string) => void): void;
  /** Small numbers, used anew after `removeConnection`. */
  addConnection(connection: PacketConnection): number;
  /** Its number becomes another's only when the handler that is being called, if any, has returned: the runs it was given may have it. */
  removeConnection(connection: number): void;
  /**
   * The number of an address, for this connection; the one that it was added with is 0. A number is never another
   * address's. A connection has 8 at most: then the one that was not received from, or asked for, for longest goes, but
   * never 0 nor the one that `usePath` named. `local` of the address counts where it has no number yet.
   */
  path(connection: number, address: SocketAddress): number;
  /**
   * This path is the one that is sent on: it stays, whatever comes from elsewhere (anyone who copies our packets can send
   * them from many addresses). Until then 0. Where the path is gone already nothing changes.
   */
  usePath(connection: number, path: number): void;
  addressOf(connection: number, path: number): SocketAddress;
  /**
   * Sends runs of data packets: `runs` × `runField.size` numbers, the content in `pieces` one run's behind the other's,
   * gathered from where it is. How many runs went whole: one that the kernel refuses is skipped and counted, and where its
   * queue is full the rest is dropped and counted.
   * The content may change when this returns.
   */
  sendRuns(runs: number, fields: Float64Array, pieces: readonly Uint8Array[]): number;
  /** One control packet with these frames; padded with zeros to `datagramBytes`, where given. False: the queue was full. */
  sendControl(
    connection: number,
    path: number,
    number: number,
    frames: Uint8Array,
    datagramBytes?: number,
  ): boolean;
  /** A datagram as it is, to whom we have no connection with. */
  sendStray(to: SocketAddress, bytes: Uint8Array): boolean;
  /** A send found the queue full, and `onWritable` is to come; never once the socket is closed or broken. */
  readonly isFull: boolean;
  /** Called when a full queue has room again. */
  onWritable(handler: () => void): void;
}

export interface UdpApi {
  readonly kind: 'native' | 'typescript';
  /** One sentence for `xfer doctor`: what is used and, without the addon, why and what is slower. */
  readonly detail: string;
  /** Rejects with the system's error (EADDRINUSE, EACCES …). */
  batchSocket(options: BatchSocketOptions): Promise<BatchSocket>;
  packetSocket(options: BatchSocketOptions): Promise<PacketSocket>;
  /**
   * Gives every UDP socket of this process that is bound to `port`, as of a library that opens its own, buffers of so many bytes each way
   * where they are smaller, as far as the system lets. Gives the least that one of them has then, as the kernel counts; undefined where
   * there is none, and without the addon. Throws TypeError, RangeError.
   */
  widenBuffers(port: number, bytes: number): BufferSizes | undefined;
  /** SipHash-2-4 of `bytes` under a 16-byte key: 8 bytes, little-endian as in the paper (Aumasson, Bernstein 2012). */
  sipHash(key: Uint8Array, bytes: Uint8Array): Uint8Array;
}
