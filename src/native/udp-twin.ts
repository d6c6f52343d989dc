import type { Socket } from 'node:dgram';
import { requireBytes, requireInteger } from './arguments.js';
import { packetField, packetLayout, runField } from './udp-api.js';
import type {
  BatchSocket,
  BatchSocketOptions,
  DatagramRun,
  PacketBatch,
  PacketConnection,
  PacketSocket,
  SocketAddress,
  UdpApi,
} from './udp-api.js';
import {
  maxBufferBytes,
  maxDatagramBytes,
  requireAddress,
  requireConnection,
  requireRuns,
} from './udp-arguments.js';
import { canonical, TwinConnections } from './udp-connections-twin.js';
import { controlPacket, TwinPacketReader, writeDataHeader } from './udp-packets-twin.js';
import { boundSocket, TwinSocket, type TwinMessage } from './udp-twin-socket.js';
import { sipHashInto } from './sip-hash-twin.js';

const { dataHeaderBytes, framesAt, tagBytes } = packetLayout;
const maxRuns = 64;

/**
 * The sockets of the addon on node:dgram, one datagram a call of the kernel, and without GSO, GRO, ECN and ICMP. On a
 * wildcard they do not know which of our addresses was asked, and answer from the one that the kernel prefers: then who
 * asked at another hears nothing from where it expects it.
 */
export function udpTwin(): Omit<UdpApi, 'detail'> {
  return {
    kind: 'typescript',
    batchSocket: async (options) => new TwinBatchSocket(await boundSocket(options), options),
    packetSocket: async (options) => new TwinPacketSocket(await boundSocket(options), options),
    widenBuffers: (port, bytes) => {
      requireInteger(port, 'port', 65_535);
      requireInteger(bytes, 'bytes', maxBufferBytes);
      return undefined;
    },
    sipHash: (key, bytes) => {
      requireBytes(key, 'key');
      requireBytes(bytes, 'bytes');
      if (key.length !== 16) throw new RangeError('key must be 16 bytes');
      const tag = new Uint8Array(8);
      sipHashInto(key, bytes, 0, bytes.length, tag, 0);
      return tag;
    },
  };
}

class TwinBatchSocket extends TwinSocket implements BatchSocket {
  #handler: ((runs: readonly DatagramRun[]) => void) | undefined;

  onDatagrams(handler: (runs: readonly DatagramRun[]) => void): void {
    if (this.#handler === undefined && !this.isClosed) this.start();
    this.#handler ??= handler;
  }

  protected override deliver(messages: readonly TwinMessage[]): void {
    const runs: { at: number; bytes: number; segmentBytes: number; from: SocketAddress }[] = [];
    for (const { at, bytes, from } of messages) {
      const last = runs.at(-1);
      const goesOn =
        last !== undefined &&
        last.from.host === from.host &&
        last.from.port === from.port &&
        bytes > 0 &&
        bytes <= last.segmentBytes &&
        last.bytes > 0 &&
        last.bytes % last.segmentBytes === 0 &&
        last.bytes + bytes <= 65_536;
      if (goesOn) {
        this.slab.copyWithin(last.at + last.bytes, at, at + bytes);
        last.bytes += bytes;
      } else {
        runs.push({ at, bytes, segmentBytes: Math.max(bytes, 1), from });
      }
    }
    this.#handler?.(
      runs.map(({ at, bytes, segmentBytes, from }) => ({
        ...{ from, segmentBytes, ecn: 0 },
        bytes: this.plainSlab.subarray(at, at + bytes),
      })),
    );
  }
}

class TwinPacketSocket extends TwinSocket implements PacketSocket {
  readonly #connections = new TwinConnections();
  readonly #fields = new Float64Array(maxRuns * packetField.size);
  readonly #reader: TwinPacketReader;
  #handler: ((batch: PacketBatch) => void) | undefined;

  constructor(socket: Socket, options: BatchSocketOptions) {
    super(socket, options);
    this.#reader = new TwinPacketReader(this.#connections, this.tally, this.slab, this.#fields);
  }

  onPackets(handler: (batch: PacketBatch) => void): void {
    if (this.#handler === undefined && !this.isClosed) this.start();
    this.#handler ??= handler;
  }

  get isFull(): boolean {
    return this.wasFull && !this.isClosed;
  }

  onWritable(handler: () => void): void {
    this.writable = handler;
  }

  /** node:dgram tells nothing of ICMP on a socket that is not connected: the handler is never called. */
  onUnreachable(): void {
    return;
  }

  addConnection(connection: PacketConnection): number {
    requireConnection(connection);
    return this.#connections.add(connection);
  }

  removeConnection(connection: number): void {
    requireInteger(connection, 'connection', 2 ** 48 - 1);
    this.#connections.remove(connection);
  }

  path(connection: number, address: SocketAddress): number {
    requireAddress(address);
    return this.#connections.need(connection).path(canonical(address));
  }

  usePath(connection: number, path: number): void {
    requireInteger(path, 'path', Number.MAX_SAFE_INTEGER);
    this.#connections.need(connection).usePath(path);
  }

  addressOf(connection: number, path: number): SocketAddress {
    const address = this.#connections.at(connection)?.addressOf(path);
    if (!address) throw new RangeError('there is no such path');
    return address;
  }

  sendRuns(runs: number, fields: Float64Array, pieces: readonly Uint8Array[]): number {
    requireRuns(runs, fields, pieces, (number) => this.#connections.at(number) !== undefined);
    let next = 0;
    const sends = Array.from({ length: runs }, (_, run) => {
      const of = (name: Exclude<keyof typeof runField, 'size'>): number =>
        fields[run * runField.size + runField[name]] ?? 0;
      const first = next;
      next += of('pieces');
      const last = next;
      return () => this.#sendRun(of, Buffer.concat(pieces.slice(first, last)));
    });
    return this.batch(sends);
  }

  sendControl(
    connection: number,
    path: number,
    number: number,
    frames: Uint8Array,
    datagramBytes = 0,
  ): boolean {
    requireInteger(path, 'path', Number.MAX_SAFE_INTEGER);
    requireInteger(number, 'number', 2 ** 48 - 1);
    requireBytes(frames, 'frames');
    requireInteger(datagramBytes, 'datagramBytes', maxDatagramBytes);
    const bytes = Math.max(datagramBytes, framesAt + frames.length + tagBytes);
    if (bytes > maxDatagramBytes) throw new RangeError('frames must fit in one datagram');
    if (this.isClosed) return false;
    const from = this.#connections.need(connection);
    const droppedBefore = this.tally.packetsDropped;
    this.batch([() => this.sendOne(from.addressOf(path), controlPacket(from, number, frames, bytes))]);
    return this.tally.packetsDropped === droppedBefore;
  }

  sendStray(to: SocketAddress, bytes: Uint8Array): boolean {
    return this.sendToMany(bytes, [to]) === 1;
  }

  protected override deliver(messages: readonly TwinMessage[]): void {
    this.#reader.begin();
    for (const { at, bytes, from } of messages) this.#reader.add(at, bytes, from);
    const { runs } = this.#reader;
    if (runs === 0) return;
    this.#connections.held(() =>
      this.#handler?.({
        ...{ runs, fields: this.#fields, slab: this.plainSlab },
        sourceOf: (run) => this.#reader.sourceOf(run),
      }),
    );
  }

  #sendRun(of: (name: Exclude<keyof typeof runField, 'size'>) => number, content: Buffer): boolean {
    const connection = this.#connections.need(of('connection'));
    const to = connection.addressOf(of('path'));
    let went = true;
    for (let i = 0; i < of('packets'); i++) {
      const at = i * of('packetBytes');
      const part = content.subarray(at, at + of('packetBytes'));
      const packet = Buffer.allocUnsafe(dataHeaderBytes + part.length);
      packet.set(part, dataHeaderBytes);
      writeDataHeader(packet, connection, {
        ...{ number: of('number') + i, stream: of('stream'), offset: of('offset') + at },
        fin: of('fin') !== 0 && i + 1 === of('packets'),
      });
      went = this.sendOne(to, packet) && went;
    }
    return went;
  }
}
