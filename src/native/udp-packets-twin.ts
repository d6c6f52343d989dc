import { packetField, packetKind, packetLayout, type SocketAddress } from './udp-api.js';
import type { TwinConnection, TwinConnections } from './udp-connections-twin.js';
import type { MutableCounters } from './udp-counters.js';
import { sipHashInto } from './sip-hash-twin.js';

const { data, dataFin, control, connectionAt, numberAt, streamAt, offsetAt } = packetLayout;
const { dataTagAt, dataHeaderBytes, framesAt, tagBytes, maxRunPackets } = packetLayout;
const field = packetField;

/** A data packet's header and tag at the start of `packet`, which is as long as it goes out. */
export function writeDataHeader(
  packet: Buffer,
  connection: TwinConnection,
  { number, stream, offset, fin }: { number: number; stream: number; offset: number; fin: boolean },
): void {
  packet[0] = fin ? dataFin : data;
  packet.set(connection.remoteId, connectionAt);
  packet.writeUIntBE(number, numberAt, 6);
  packet.writeUInt32BE(stream, streamAt);
  packet.writeUIntBE(offset, offsetAt, 6);
  dataTagInto(connection.sendKey, packet, 0, packet.length - dataHeaderBytes, packet, dataTagAt);
}

/** Over a data packet's header and, behind that, how long its content is, 2 bytes. */
function dataTagInto(
  ...[key, packet, at, contentBytes, out, outAt]: [
    ...[key: Uint8Array, packet: Buffer, at: number],
    ...[contentBytes: number, out: Uint8Array, outAt: number],
  ]
): void {
  packet.copy(covered, 0, at, at + dataTagAt);
  covered.writeUInt16BE(contentBytes, dataTagAt);
  sipHashInto(key, covered, 0, covered.length, out, outAt);
}

const covered = Buffer.alloc(dataTagAt + 2);

/** A control packet of `bytes` bytes; what the frames leave is zeros. */
export function controlPacket(
  connection: TwinConnection,
  number: number,
  frames: Uint8Array,
  bytes: number,
): Buffer {
  const packet = Buffer.alloc(bytes);
  packet[0] = control;
  packet.set(connection.remoteId, connectionAt);
  packet.writeUIntBE(number, numberAt, 6);
  packet.set(frames, framesAt);
  sipHashInto(connection.sendKey, packet, 0, bytes - tagBytes, packet, bytes - tagBytes);
  return packet;
}

/** Reads received packets to runs, as native/udp-packets.cc does. */
export class TwinPacketReader {
  runs = 0;
  readonly #connections: TwinConnections;
  readonly #counters: MutableCounters;
  readonly #slab: Buffer;
  readonly #fields: Float64Array;
  readonly #tag = new Uint8Array(tagBytes);
  #sources: (SocketAddress | undefined)[] = [];
  #batch = 0;

  constructor(connections: TwinConnections, counters: MutableCounters, slab: Buffer, fields: Float64Array) {
    this.#connections = connections;
    this.#counters = counters;
    this.#slab = slab;
    this.#fields = fields;
  }

  begin(): void {
    this.runs = 0;
    this.#sources = [];
    this.#batch++;
  }

  sourceOf(run: number): SocketAddress {
    const source = this.#sources[run];
    if (!source) throw new RangeError('there is no such run');
    return source;
  }

  /** There has to be room for one more run. */
  add(at: number, bytes: number, from: SocketAddress): void {
    const type = bytes === 0 ? data : (this.#slab[at] ?? 0);
    const isData = type === data || type === dataFin;
    if (!isData && type !== control) {
      this.#sources[this.runs] = from;
      this.#newRun(packetKind.stray, -1, at, bytes);
      return;
    }
    const connection = bytes < numberAt ? undefined : this.#connections.find(this.#slab, at + connectionAt);
    if (!connection) {
      this.#counters.packetsUnknown++;
      return;
    }
    const least = isData ? dataHeaderBytes : framesAt + tagBytes;
    if (bytes < least || !this.#hasTag(connection, at, bytes, isData)) {
      this.#counters.packetsForged++;
      return;
    }
    const path = connection.path(from);
    if (isData) this.#addData(connection, path, at, bytes, type === dataFin);
    else this.#addControl(connection, path, at, bytes);
  }

  #hasTag({ receiveKey }: TwinConnection, at: number, bytes: number, isData: boolean): boolean {
    const tagAt = at + (isData ? dataTagAt : bytes - tagBytes);
    if (isData) dataTagInto(receiveKey, this.#slab, at, bytes - dataHeaderBytes, this.#tag, 0);
    else sipHashInto(receiveKey, this.#slab, at, tagAt, this.#tag, 0);
    // All of it is looked at: how long that takes must not tell a forger how much was right.
    return (
      this.#tag.reduce((wrong, byte, index) => wrong | (byte ^ (this.#slab[tagAt + index] ?? 0)), 0) === 0
    );
  }

  #addData(connection: TwinConnection, path: number, at: number, bytes: number, fin: boolean): void {
    const packet = {
      number: this.#slab.readUIntBE(at + numberAt, 6),
      stream: this.#slab.readUInt32BE(at + streamAt),
      offset: this.#slab.readUIntBE(at + offsetAt, 6),
      ...{ path, fin, at: at + dataHeaderBytes, bytes: bytes - dataHeaderBytes },
    };
    if (connection.batch === this.#batch && this.#join(connection.latestRun, packet)) return;
    const base = this.#newRun(packetKind.data, connection.number, packet.at, packet.bytes);
    for (const name of ['number', 'stream', 'offset', 'path'] as const)
      this.#fields[base + field[name]] = packet[name];
    this.#fields[base + field.fin] = fin ? 1 : 0;
    this.#latest(connection);
  }

  /** Whether the packet goes on where the run ends; then it belongs to it. */
  #join(
    run: number,
    packet: Record<'number' | 'stream' | 'offset' | 'path' | 'at' | 'bytes', number> & { fin: boolean },
  ): boolean {
    const fields = this.#fields;
    const base = run * field.size;
    const of = (name: Exclude<keyof typeof field, 'size'>): number => fields[base + field[name]] ?? 0;
    const goesOn =
      of('kind') === packetKind.data &&
      of('fin') === 0 &&
      of('stream') === packet.stream &&
      of('path') === packet.path &&
      of('packets') < maxRunPackets &&
      of('number') + of('packets') === packet.number &&
      of('offset') + of('bytes') === packet.offset;
    if (!goesOn) return false;
    const end = of('at') + of('bytes');
    // Runs stand in the slab in their order: an older one has the room before the next.
    const nextAt = fields[base + field.size + field.at] ?? 0;
    if (run + 1 !== this.runs && end + packet.bytes > nextAt) return false;
    this.#slab.copyWithin(end, packet.at, packet.at + packet.bytes);
    fields[base + field.bytes] = of('bytes') + packet.bytes;
    fields[base + field.packets] = of('packets') + 1;
    fields[base + field.fin] = packet.fin ? 1 : 0;
    return true;
  }

  #addControl(connection: TwinConnection, path: number, at: number, bytes: number): void {
    const frameBytes = bytes - framesAt - tagBytes;
    const base = this.#newRun(packetKind.control, connection.number, at + framesAt, frameBytes);
    this.#fields[base + field.number] = this.#slab.readUIntBE(at + numberAt, 6);
    this.#fields[base + field.path] = path;
    this.#latest(connection);
  }

  #newRun(kind: number, connection: number, at: number, bytes: number): number {
    const base = this.runs++ * field.size;
    this.#fields.fill(0, base, base + field.size);
    this.#fields[base + field.kind] = kind;
    this.#fields[base + field.connection] = connection;
    this.#fields[base + field.packets] = 1;
    this.#fields[base + field.at] = at;
    this.#fields[base + field.bytes] = bytes;
    this.#fields[base + field.path] = -1;
    return base;
  }

  #latest(connection: TwinConnection): void {
    connection.batch = this.#batch;
    connection.latestRun = this.runs - 1;
  }
}
