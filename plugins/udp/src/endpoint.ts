import {
  packetField,
  packetKind,
  packetLayout,
  type PacketBatch,
  type PacketSocket,
  type SocketAddress,
} from 'xfer/plugin';
import { ConnectionDriver, type DriverUser } from './connection-driver.js';
import type { ConnectionCoreApi } from './core/contract.js';
import type { ConnectionKeys } from './hello/connection-keys.js';

interface EndpointUser {
  /** A datagram of no connection; it lives until the call returns. */
  handleStray(from: SocketAddress, bytes: Uint8Array): void;
  /** What was sent to this address cannot arrive. */
  handleUnreachable(to: SocketAddress, code: string): void;
  /** The socket broke, and all connections with it. */
  handleError(error: NodeJS.ErrnoException): void;
}

/** A socket and the connections on it. */
export class Endpoint {
  readonly socket: PacketSocket;
  readonly #user: EndpointUser;
  /** By the socket's number. */
  readonly #drivers: (ConnectionDriver | undefined)[] = [];
  /** Those of the batch at work. */
  #touched: ConnectionDriver[] = [];
  #open = 0;
  /** Who gets room in the queue first, when it has some again: not always the same. */
  #nextUnblocked = 0;
  #closeWanted = false;
  #closed = false;

  constructor(socket: PacketSocket, user: EndpointUser) {
    this.socket = socket;
    this.#user = user;
    socket.onPackets((batch) => this.#handlePackets(batch));
    socket.onUnreachable((to, code) => user.handleUnreachable(to, code));
    socket.onWritable(() => this.#handleWritable());
    socket.onError((error) => {
      this.#close();
      user.handleError(error);
    });
  }

  /** A connection behind its hellos; it leaves by itself when its core has nothing more to do. */
  add(
    keys: ConnectionKeys,
    remote: SocketAddress,
    core: ConnectionCoreApi,
    user: DriverUser,
  ): ConnectionDriver {
    const number = this.socket.addConnection({ ...keys, remote });
    const driver = new ConnectionDriver(core, this.socket, number, user, () => this.#remove(driver));
    this.#drivers[number] = driver;
    this.#open++;
    return driver;
  }

  /** Closes the socket once no connection is left. */
  closeWhenIdle(): void {
    this.#closeWanted = true;
    if (this.#open === 0) this.#close();
  }

  #remove(driver: ConnectionDriver): void {
    if (this.#drivers[driver.connection] !== driver) return;
    driver.stop();
    this.#drivers[driver.connection] = undefined;
    this.socket.removeConnection(driver.connection);
    this.#open--;
    if (this.#closeWanted && this.#open === 0) this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const driver of this.#drivers) driver?.stop();
    this.socket.close();
  }

  #handlePackets(batch: PacketBatch): void {
    const { runs, fields, slab } = batch;
    const now = performance.now();
    for (let run = 0, at = 0; run < runs; run++, at += packetField.size) {
      const from = fields[at + packetField.at] ?? 0;
      const bytes = slab.subarray(from, from + (fields[at + packetField.bytes] ?? 0));
      const driver = this.#drivers[fields[at + packetField.connection] ?? -1];
      if (fields[at + packetField.kind] === packetKind.stray) {
        this.#user.handleStray(batch.sourceOf(run), bytes);
        continue;
      }
      if (!driver) continue;
      if (!driver.touched) {
        driver.touched = true;
        this.#touched.push(driver);
      }
      if (fields[at + packetField.kind] === packetKind.data) handleRun(driver, now, fields, at, bytes);
      else handleControl(driver, now, fields, at, bytes);
    }
    this.#flushTouched(now);
  }

  #flushTouched(now: number): void {
    const touched = this.#touched;
    if (touched.length === 0) return;
    this.#touched = [];
    for (const driver of touched) {
      driver.touched = false;
      driver.handleBatchEnd(now);
    }
  }

  #handleWritable(): void {
    const drivers = this.#drivers;
    for (let turn = 0; turn < drivers.length && !this.socket.isFull; turn++) {
      const number = this.#nextUnblocked++ % drivers.length;
      this.#nextUnblocked %= drivers.length;
      drivers[number]?.unblock();
    }
  }
}

function handleRun(
  driver: ConnectionDriver,
  now: number,
  fields: Float64Array,
  at: number,
  bytes: Uint8Array,
): void {
  driver.handleRun(now, {
    number: fields[at + packetField.number] ?? 0,
    packets: fields[at + packetField.packets] ?? 0,
    streamId: fields[at + packetField.stream] ?? 0,
    offset: fields[at + packetField.offset] ?? 0,
    fin: fields[at + packetField.fin] === 1,
    bytes,
    marked: fields[at + packetField.marked] ?? 0,
    path: fields[at + packetField.path] ?? 0,
  });
}

function handleControl(
  driver: ConnectionDriver,
  now: number,
  fields: Float64Array,
  at: number,
  frames: Uint8Array,
): void {
  driver.handlePacket(now, {
    number: fields[at + packetField.number] ?? 0,
    frames,
    marked: fields[at + packetField.marked] ?? 0,
    path: fields[at + packetField.path] ?? 0,
    datagramBytes: frames.length + packetLayout.framesAt + packetLayout.tagBytes,
  });
}
