import { createRequire } from 'node:module';
import type { BatchSocketFeatures, BufferSizes, SocketAddress } from './udp-api.js';

/**
 * What native/build/Release/xfer_udp.node exports. Wrong arguments throw TypeError or RangeError. Arrays that it is given
 * are read before the call returns, but for the slab and the fields of a socket, which are the socket's until it is closed.
 */
export interface UdpAddon {
  sipHash(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** As `send` and `sendToMany` take it; undefined where the host is no IP address. */
  encodeAddress(host: string, port: number): Uint8Array | undefined;
  widenBuffers(port: number, bytes: number): BufferSizes | undefined;
  /** Throws the system's error. */
  readonly UdpSocket: new (
    packets: boolean,
    host: string,
    port: number,
    bufferBytes: number,
    gso: boolean,
    gro: boolean,
    /** 0: does not wait for more. */
    coalesceMessages: number,
    coalesceUs: number,
    slab: Uint8Array,
    fields: Float64Array,
  ) => AddonUdpSocket;
}

export interface AddonUdpSocket {
  /**
   * Begins to receive. `onBatch` is told how many runs stand in the socket's fields: `datagramField` or `packetField`.
   * `onBroken` comes once, perhaps below a call of `send`; the socket is closed by then.
   */
  start(
    onBatch: (runs: number) => void,
    onBroken: (error: NodeJS.ErrnoException) => void,
    onWritable: () => void,
    onUnreachable: (host: string, port: number, code: string) => void,
  ): void;
  /** `sendField` for each; the addresses encoded, one behind the other. How many went whole. */
  send(count: number, fields: Float64Array, pieces: readonly Uint8Array[], addresses: Uint8Array): number;
  sendToMany(payload: Uint8Array, addresses: Uint8Array): number;
  /** `local` is the empty text where the kernel chooses. */
  sendStray(bytes: Uint8Array, host: string, port: number, local: string): boolean;
  sendRuns(runs: number, fields: Float64Array, pieces: readonly Uint8Array[]): number;
  sendControl(
    connection: number,
    path: number,
    number: number,
    frames: Uint8Array,
    datagramBytes: number,
  ): boolean;
  addConnection(
    localId: Uint8Array,
    remoteId: Uint8Array,
    sendKey: Uint8Array,
    receiveKey: Uint8Array,
    host: string,
    port: number,
    local: string,
  ): number;
  removeConnection(connection: number): void;
  path(connection: number, host: string, port: number, local: string): number;
  usePath(connection: number, path: number): void;
  addressOf(connection: number, path: number): SocketAddress;
  /** Of a run of the batch that is being handed over; of packets, a stray's. */
  sourceOf(run: number): SocketAddress;
  features(): Omit<BatchSocketFeatures, 'kind'>;
  address(): SocketAddress;
  /** A send found the queue full, and `onWritable` is to come. */
  isFull(): boolean;
  /** Into `out`, in the order of `counterNames`. */
  counters(out: Float64Array): void;
  /** What is called after it does nothing, and sends nothing. */
  close(): void;
}

/** Sizes that native/udp-receiver.h and udp-address.h name, too. */
export const slabBytes = 64 * 65_536;
export const maxMessages = 64;
export const encodedAddressBytes = 28;

/** Where the numbers of a datagram to send stand, counted from its index × `size`. */
export const sendField = Object.freeze({ address: 0, segmentBytes: 1, pieces: 2, size: 3 });

/**
 * Where the numbers of a received run stand. A source is known by its place in a small table, as long as its number there
 * is the same.
 */
export const datagramField = Object.freeze({
  ...{ at: 0, bytes: 1, segmentBytes: 2, ecn: 3, sourcePlace: 4, sourceNumber: 5 },
  size: 6,
});

/** Loads the addon; throws where it was not built or does not fit this Node. The path is the same from src and dist. */
export function loadUdpAddon(): UdpAddon {
  return createRequire(import.meta.url)('../../native/build/Release/xfer_udp.node') as UdpAddon;
}
