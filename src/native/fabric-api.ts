/**
 * libfabric: messages between two endpoints of a fabric (FI_EP_RDM), from and into registered memory. There is no twin:
 * where the addon was not built there is no transport `rdma`.
 */
export type FabricFinding =
  | { readonly ok: true; readonly api: FabricApi }
  | { readonly ok: false; readonly code: string; readonly reason: string; readonly remedy: string };

export interface FabricApi {
  /** Of the library that is loaded, such as `1.17`. */
  readonly version: string;
  /** What `fi_getinfo` offers for reliable datagrams, the preferred first: efa, verbs, tcp, shm. Runs beside the loop. */
  providers(): Promise<readonly FabricProvider[]>;
  /** Rejects with an error whose `code` is an errno name, and whose message has libfabric's own words. */
  open(options: FabricEndpointOptions): Promise<FabricEndpoint>;
  /** Loops below JavaScript, to compare with fabtests: the same endpoint and credit, and no events. Rejects like `open`. */
  loop(options: FabricLoopOptions): Promise<FabricLoop>;
}

export interface FabricProvider {
  /** As libfabric names it: `efa`, `verbs;ofi_rxm`, `tcp;ofi_rxm`, `shm`. */
  readonly provider: string;
  readonly fabric: string;
  readonly domain: string;
  /** Of the provider, such as `117.0`. */
  readonly version: string;
  /** Its own address here as libfabric writes it, such as `fi_sockaddr_in://192.0.2.2:0`. */
  readonly source: string;
  readonly maxMessageBytes: number;
  readonly injectBytes: number;
  /** Names of the FI_MR_ bits that it wants, without the prefix: `LOCAL`, `VIRT_ADDR`, `ALLOCATED`, `PROV_KEY` … */
  readonly memoryModes: readonly string[];
  /** Names of the FI_ mode bits that it wants: `CONTEXT`, `CONTEXT2`, `MSG_PREFIX` … */
  readonly modes: readonly string[];
  /** Without the prefix: `SAFE`, `DOMAIN` …; `AUTO`, `MANUAL`. */
  readonly threading: string;
  readonly progress: string;
  /** The device, where libfabric knows of one: `rdmap0s6`. */
  readonly device?: string;
  /** Of its link in bits a second, where libfabric knows. */
  readonly bitsPerSecond?: number;
}

/**
 * Messages come in two sizes, each with receive buffers and credit of its own, so that small ones never wait for large ones. All
 * arrive in the order in which they were sent, whatever their sizes.
 */
export interface FabricEndpointOptions {
  readonly provider: string;
  /** IP address of this machine to be reached at, for providers over IP. Default: libfabric's choice. */
  readonly host?: string;
  /** Of one receive buffer, the header of the addon (16 bytes) included. */
  readonly smallBytes: number;
  readonly largeBytes: number;
  /** Receive buffers that are posted from the beginning: what the other side may have under way. At least 4 and 2. */
  readonly smallCount: number;
  readonly largeCount: number;
  /** So many bytes into a large buffer begins what should lie on a page: its start is placed so. Default: 0. */
  readonly largeLeadBytes?: number;
  /** Called on the loop, many at once. See `fabricEvent`. */
  onEvents(events: Float64Array, count: number): void;
  /** For tests: what goes wrong, and when. */
  readonly faults?: FabricFaults;
}

/** `events` has four numbers an event: its kind, then what stands with it. Valid until the handler returns. */
export const fabricEvent = Object.freeze({
  /** A message in a small buffer: block, offset in `smallMemory`, bytes (head and content). */
  small: 1,
  /** A message in a large buffer: block, offset in `largeMemory`, bytes. */
  large: 2,
  /** The memory of a message is the sender's again: token. */
  sent: 3,
  /** There is more credit than before. */
  credit: 4,
  /** The endpoint is broken, as `failure` says; nothing but `sent` follows. */
  failed: 5,
});

export interface FabricPeer {
  /** `address` of the other endpoint, at most 256 bytes. */
  readonly address: Uint8Array;
  readonly tag: bigint;
  /** Receive buffers that the other side has posted. */
  readonly smallCount: number;
  readonly largeCount: number;
  /** Their sizes there. */
  readonly smallBytes: number;
  readonly largeBytes: number;
}

export interface FabricFeatures {
  readonly provider: string;
  /** How its thread waits: by the descriptor of the completion queue, or by polling less and less often. */
  readonly wait: 'fd' | 'poll';
  readonly maxMessageBytes: number;
  readonly injectBytes: number;
  readonly hasHugePages: boolean;
  /** The provider needs local memory registered (FI_MR_LOCAL). It is in any case. */
  readonly needsRegistration: boolean;
}

export interface FabricStats {
  readonly messagesSent: number;
  readonly messagesReceived: number;
  /** Messages that carried nothing but credit, both ways. */
  readonly creditMessages: number;
  /** Bytes of large messages that were copied first, because they did not lie in registered memory. */
  readonly copiedBytes: number;
  /** Address and length of the last large piece given to libfabric, for tests. */
  readonly lastPieceAddress: bigint;
  readonly lastPieceBytes: number;
  /** Receive buffers posted now. */
  readonly smallPosted: number;
  readonly largePosted: number;
  readonly registeredBytes: number;
}

export interface FabricEndpoint {
  /** Of fi_getname: what the other side is told. */
  readonly address: Uint8Array;
  /** Only messages with it are taken: 56 random bits. */
  readonly tag: bigint;
  readonly features: FabricFeatures;
  /** Where received messages lie. Empty once it is closed; what readers have kept stays. */
  readonly smallMemory: ArrayBuffer;
  readonly largeMemory: ArrayBuffer;
  /** Why it is broken, with the provider's own words. */
  readonly failure: Error | undefined;
  /** Once, before anything is sent. Rejects like `open`. */
  connect(peer: FabricPeer): Promise<void>;
  /** Messages that may be sent now, of each size: credit of the other side less what was sent. `credit` events tell when there is more. */
  readonly smallRoom: number;
  readonly largeRoom: number;
  /** Largest head and content together of each size at the other side, known once connected. */
  readonly smallRoomBytes: number;
  readonly largeRoomBytes: number;
  /**
   * One message of `head` (at most 64 bytes, copied) and `chunks`, in a small buffer of the other side if it fits. There must be
   * room. The chunks stay unchanged, and must be kept from being collected, until the event `sent` with this token, which comes for
   * each send, also after a failure and while it closes. What lies in memory of `region` goes from there, other large pieces are copied.
   */
  send(token: number, head: Uint8Array, chunks: readonly Uint8Array[]): void;
  /** Within the handler of a message: its buffer is kept until `release`, and is not posted again before. */
  retain(block: number): void;
  release(block: number): void;
  /** Registered memory, in huge pages where they are to be had, page aligned, until the endpoint closes; unmapped when nobody refers to it. Rejects like `open` (ENOMEM: the limit of locked memory). */
  region(bytes: number): Promise<ArrayBuffer>;
  stats(): FabricStats;
  /** Whether it keeps the process alive. At first it does. */
  keepAlive(alive: boolean): void;
  /**
   * Ends it. What was sent has 200 ms to go out; what has not by then is dropped, and `sent` comes for all of it before this resolves.
   * Never rejects, at most 2 s: a provider that does not come back is left to itself.
   */
  close(): Promise<void>;
}

export type FabricLoopOptions = Omit<FabricEndpointOptions, 'onEvents'>;

export interface FabricLoop {
  readonly address: Uint8Array;
  readonly tag: bigint;
  /** Once, before anything runs. */
  connect(peer: FabricPeer): Promise<void>;
  /** Both ends run the same, at once, one of them as the client, whose result counts. Nothing for 10 s is ETIMEDOUT. */
  run(what: FabricRun): Promise<FabricRunResult>;
  /** What runs ends with ECANCELED. Never rejects. */
  close(): Promise<void>;
}

export interface FabricRun {
  /** One message there and one back; or as many one way as credit allows, then one back. */
  readonly kind: 'ping-pong' | 'one-way';
  readonly isClient: boolean;
  /** Of content of each message; the addon's 16 come beside it. */
  readonly bytes: number;
  readonly iterations: number;
  /** Before the clock starts. Default: 0. */
  readonly warmUp?: number;
}

export interface FabricRunResult {
  readonly seconds: number;
  /** Of one message one way, as fi_pingpong counts: half of a round trip. */
  readonly transferMicroseconds: number;
  readonly bytesPerSecond: number;
}

/** Faults that the addon makes up where libfabric would have reported them: an errno name each. */
export interface FabricFaults {
  /** Of the n-th registration of memory, counted from 1. */
  readonly register?: { readonly at: number; readonly error: string };
  /** Of the n-th message that is given to libfabric: it is refused, or its completion is an error. */
  readonly send?: { readonly at: number; readonly error: string };
  readonly completion?: { readonly at: number; readonly error: string };
  /** Of the n-th received message. */
  readonly receive?: { readonly at: number; readonly error: string };
}
