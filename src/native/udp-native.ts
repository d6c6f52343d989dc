import { udpDefaults } from '../config/index.js';
import {
  datagramField,
  maxMessages,
  sendField,
  slabBytes,
  type AddonUdpSocket,
  type UdpAddon,
} from './udp-addon.js';
import { packetField } from './udp-api.js';
import type {
  BatchCounters,
  BatchSocket,
  BatchSocketFeatures,
  BatchSocketOptions,
  Datagram,
  DatagramRun,
  PacketBatch,
  PacketConnection,
  PacketSocket,
  SocketAddress,
} from './udp-api.js';
import { requireAddress, requireConnection, requireOptions, requireSegmentBytes } from './udp-arguments.js';
import { AddressBook } from './udp-address-book.js';
import { counterNames, countersOf } from './udp-counters.js';

/** Runs that one hand-over has room for; a batch with more comes in several. */
const maxPacketRuns = 512;

/** What both sockets of the addon do. */
class NativeSocket {
  readonly address: SocketAddress;
  protected readonly socket: AddonUdpSocket;
  protected readonly slab = new Uint8Array(slabBytes);
  protected readonly fields: Float64Array;
  readonly #book: AddressBook;
  readonly #counters = new Float64Array(counterNames.length);
  #sendFields = new Float64Array(64 * sendField.size);
  #error: ((error: NodeJS.ErrnoException) => void) | undefined;

  constructor(addon: UdpAddon, packets: boolean, options: BatchSocketOptions) {
    requireOptions(options);
    const { host, port, socketBufferBytes = udpDefaults.socketBufferBytes, gso = true, gro = true } = options;
    const { messages, deadlineMs } = options.coalesce ?? { messages: 0, deadlineMs: 0 };
    this.fields = new Float64Array(
      packets ? maxPacketRuns * packetField.size : maxMessages * datagramField.size,
    );
    const coalesceUs = Math.max(1, Math.round(deadlineMs * 1000));
    this.socket = new addon.UdpSocket(
      ...([packets, host, port, socketBufferBytes, gso, gro] as const),
      ...([messages, coalesceUs, this.slab, this.fields] as const),
    );
    this.address = this.socket.address();
    this.#book = new AddressBook((to) => addon.encodeAddress(to.host, to.port));
  }

  get features(): BatchSocketFeatures {
    return { kind: 'native', ...this.socket.features() };
  }

  get counters(): BatchCounters {
    this.socket.counters(this.#counters);
    return countersOf(this.#counters);
  }

  send(datagrams: readonly Datagram[]): number {
    const size = sendField.size;
    if (this.#sendFields.length < datagrams.length * size)
      this.#sendFields = new Float64Array(datagrams.length * size * 2);
    const fields = this.#sendFields;
    const pieces: Uint8Array[] = [];
    const targets: SocketAddress[] = [];
    let at = 0;
    for (const { to, bytes, segmentBytes } of datagrams) {
      if (segmentBytes !== undefined) requireSegmentBytes(segmentBytes);
      if (targets.at(-1) !== to) targets.push(to);
      fields[at + sendField.address] = targets.length - 1;
      fields[at + sendField.segmentBytes] = segmentBytes ?? 0;
      if (bytes instanceof Uint8Array) pieces.push(bytes);
      else pieces.push(...bytes);
      fields[at + sendField.pieces] = bytes instanceof Uint8Array ? 1 : bytes.length;
      at += size;
    }
    return this.socket.send(datagrams.length, fields, pieces, this.#book.encoded(targets));
  }

  sendToMany(payload: Uint8Array, targets: readonly SocketAddress[]): number {
    return this.socket.sendToMany(payload, this.#book.encoded(targets));
  }

  onError(handler: (error: NodeJS.ErrnoException) => void): void {
    this.#error = handler;
  }

  close(): void {
    this.socket.close();
  }

  /** It may come below a send, whose caller is not to be called from there. */
  protected readonly broken = (error: NodeJS.ErrnoException): void => {
    process.nextTick(() => this.#error?.(error));
  };
}

export class NativeBatchSocket extends NativeSocket implements BatchSocket {
  /** By place in the addon's table. */
  readonly #sources: { number: number; address: SocketAddress }[] = [];

  constructor(addon: UdpAddon, options: BatchSocketOptions) {
    super(addon, false, options);
  }

  onDatagrams(handler: (runs: readonly DatagramRun[]) => void): void {
    const none = (): void => undefined;
    this.socket.start((runs) => handler(this.#runs(runs)), this.broken, none, none);
  }

  #runs(count: number): DatagramRun[] {
    const { fields } = this;
    const number = (index: number): number => fields[index] ?? 0;
    return Array.from({ length: count }, (_, run) => {
      const base = run * datagramField.size;
      const at = number(base + datagramField.at);
      return {
        from: this.#source(
          run,
          number(base + datagramField.sourcePlace),
          number(base + datagramField.sourceNumber),
        ),
        bytes: this.slab.subarray(at, at + number(base + datagramField.bytes)),
        segmentBytes: number(base + datagramField.segmentBytes),
        ecn: number(base + datagramField.ecn),
      };
    });
  }

  #source(run: number, place: number, number: number): SocketAddress {
    const known = this.#sources[place];
    if (known?.number === number) return known.address;
    const address = this.socket.sourceOf(run);
    this.#sources[place] = { number, address };
    return address;
  }
}

export class NativePacketSocket extends NativeSocket implements PacketSocket {
  #writable: (() => void) | undefined;
  #unreachable: ((to: SocketAddress, code: string) => void) | undefined;

  constructor(addon: UdpAddon, options: BatchSocketOptions) {
    super(addon, true, options);
  }

  onPackets(handler: (batch: PacketBatch) => void): void {
    const { socket, slab, fields } = this;
    // The same object each time: it lives until the handler returns.
    const batch = { runs: 0, fields, slab, sourceOf: (run: number) => socket.sourceOf(run) };
    socket.start(
      (runs) => {
        batch.runs = runs;
        handler(batch);
      },
      this.broken,
      () => this.#writable?.(),
      (host, port, code) => this.#unreachable?.({ host, port }, code),
    );
  }

  get isFull(): boolean {
    return this.socket.isFull();
  }

  onWritable(handler: () => void): void {
    this.#writable = handler;
  }

  onUnreachable(handler: (to: SocketAddress, code: string) => void): void {
    this.#unreachable = handler;
  }

  addConnection(connection: PacketConnection): number {
    requireConnection(connection);
    const { localId, remoteId, sendKey, receiveKey, remote } = connection;
    const { host, port, local = '' } = remote;
    return this.socket.addConnection(localId, remoteId, sendKey, receiveKey, host, port, local);
  }

  removeConnection(connection: number): void {
    this.socket.removeConnection(connection);
  }

  path(connection: number, { host, port, local = '' }: SocketAddress): number {
    return this.socket.path(connection, host, port, local);
  }

  usePath(connection: number, path: number): void {
    this.socket.usePath(connection, path);
  }

  addressOf(connection: number, path: number): SocketAddress {
    return this.socket.addressOf(connection, path);
  }

  /** Checked by the addon alone: it has to look at each number anyway. */
  sendRuns(runs: number, fields: Float64Array, pieces: readonly Uint8Array[]): number {
    return this.socket.sendRuns(runs, fields, pieces);
  }

  sendControl(
    connection: number,
    path: number,
    number: number,
    frames: Uint8Array,
    datagramBytes = 0,
  ): boolean {
    return this.socket.sendControl(connection, path, number, frames, datagramBytes);
  }

  sendStray(to: SocketAddress, bytes: Uint8Array): boolean {
    requireAddress(to);
    return this.socket.sendStray(bytes, to.host, to.port, to.local ?? '');
  }
}
