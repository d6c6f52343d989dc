import type {
  ConnectionCoreApi,
  ReceivedRun,
  RunToSend,
  Transmit,
} from '../../plugins/udp/src/core/contract.js';
import { packetLayout } from '../../src/native/udp-api.js';
import { SimPacket } from './udp-packet.js';
import type { Host, Place, SimNetwork } from './udp-network.js';

export interface EndShape {
  /** SO_RCVBUF: what comes while so much waits is lost. */
  readonly receiveBufferBytes: number;
  /** From the first packet to the event loop's turn: what has come until then is one batch. */
  readonly wakeMs: number;
  /** Timers of Node are rounded up to this, and one at least. */
  readonly timerMs: number;
  /** The end's clock minus the world's. */
  readonly clockMs: number;
  /** Packets hold content of their own: senders may then use theirs anew as soon as `done` was called. */
  readonly copies: boolean;
}

export const plainEnd: EndShape = Object.freeze({
  receiveBufferBytes: 8 * 2 ** 20,
  wakeMs: 0.05,
  timerMs: 1,
  clockMs: 0,
  copies: false,
});

/** What the kernel counts for a packet beside its payload. */
const skbBytes = 768;
const mostBatchPackets = 1024;
const mostPaths = 8;
/** `poll` gives less than this in a row, or it would never end. */
const mostPolls = 100_000;

/** A socket and the driver of one connection on it: what joins a core to the network and to time. */
export class SimEnd implements Host {
  readonly #network: SimNetwork;
  readonly #shape: EndShape;
  readonly #slab = new Uint8Array(2 ** 16);
  readonly #paths = new Map<number, Place>();
  #pathsMade = 0;
  #clockMs: number;
  #core: ConnectionCoreApi | undefined;
  #place: Place;
  #waiting: SimPacket[] = [];
  #waitingBytes = 0;
  #isWaking = false;
  #stalledUntil = 0;
  /** In the world's time: when the core wants to be called, and when the next event for that is. */
  #wanted = Infinity;
  #alarm = Infinity;
  #isWorking = false;
  /** Not taken: the receive buffer was full; a tag was wrong. */
  overflowed = 0;
  forged = 0;
  /** Packets and bytes sent on each path, and received from it. */
  readonly sentTo = new Map<Place, number>();
  readonly receivedFrom = new Map<Place, number>();
  packetsSent = 0;

  constructor(network: SimNetwork, place: Place, shape: Partial<EndShape> = {}) {
    this.#network = network;
    this.#shape = { ...plainEnd, ...shape };
    this.#clockMs = this.#shape.clockMs;
    this.#place = place;
    place.host = this;
  }

  get now(): number {
    return this.#network.clock.now + this.#clockMs;
  }

  get place(): Place {
    return this.#place;
  }

  get core(): ConnectionCoreApi {
    if (!this.#core) throw new Error('the end has no core yet');
    return this.#core;
  }

  /** The hellos are over. */
  start(core: ConnectionCoreApi, peer: Place): void {
    this.#core = core;
    this.pathOf(peer);
    this.work(() => undefined);
  }

  /** The number that the socket has for an address. A number names one address for ever; the one unused for longest goes, but 0. */
  pathOf(place: Place): number {
    if (this.#paths.get(0) === place) return 0;
    for (const [path, known] of this.#paths) {
      if (known !== place) continue;
      this.#paths.delete(path);
      this.#paths.set(path, place);
      return path;
    }
    const path = this.#pathsMade++;
    const unused = [...this.#paths.keys()].find((known) => known !== 0);
    if (this.#paths.size === mostPaths && unused !== undefined) this.#paths.delete(unused);
    this.#paths.set(path, place);
    return path;
  }

  /** Its NAT gives it another address: it does not learn of that. What still goes to the old one is lost. */
  move(place: Place): void {
    this.#place.host = undefined;
    this.#place = place;
    place.host = this;
  }

  jump(ms: number): void {
    this.#clockMs += ms;
  }

  /** The event loop stands still: the garbage collector, a suspended process. */
  stall(ms: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.#network.clock.now + ms);
  }

  receive(packet: SimPacket): void {
    const bytes = packet.datagramBytes + skbBytes;
    if (this.#waitingBytes + bytes > this.#shape.receiveBufferBytes) {
      this.overflowed++;
      return packet.release();
    }
    this.#waitingBytes += bytes;
    this.#waiting.push(packet);
    if (this.#isWaking) return;
    this.#isWaking = true;
    this.#later(this.#shape.wakeMs, this.#wake);
  }

  /** Calls the core, then sends what it gives and sets the timer. Within such a call: only the call. */
  work(call: (core: ConnectionCoreApi, now: number) => void): void {
    const { core } = this;
    if (this.#isWorking) return call(core, this.now);
    this.#isWorking = true;
    call(core, this.now);
    this.#flush();
    this.#isWorking = false;
    this.#setTimer();
  }

  readonly #wake = (): void => {
    this.#isWaking = false;
    const packets = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (let from = 0; from < packets.length; from += mostBatchPackets)
      this.work((core, now) => this.#handleBatch(core, now, packets.slice(from, from + mostBatchPackets)));
  };

  #handleBatch(core: ConnectionCoreApi, now: number, packets: readonly SimPacket[]): void {
    for (let at = 0; at < packets.length;) {
      const packet = packets[at];
      if (!packet?.from) throw new Error('a packet from nowhere');
      this.receivedFrom.set(packet.from, (this.receivedFrom.get(packet.from) ?? 0) + packet.datagramBytes);
      if (packet.isForged) this.forged++;
      else if (!packet.isData) this.#handleControl(core, now, packet, packet.from);
      else {
        at += this.#handleRun(core, now, packets, at, packet.from);
        continue;
      }
      at++;
    }
    core.handleBatchEnd(now);
    for (const packet of packets) packet.release();
  }

  #handleControl(core: ConnectionCoreApi, now: number, packet: SimPacket, from: Place): void {
    const frames = this.#slab.subarray(0, packet.bytes);
    frames.set(packet.source);
    const { number, datagramBytes } = packet;
    const marked = Number(packet.isMarked);
    core.handlePacket(now, { number, frames, marked, path: this.pathOf(from), datagramBytes });
    frames.fill(0xee);
  }

  /** Joins what belongs together, as the socket does. How many packets that was. */
  #handleRun(
    core: ConnectionCoreApi,
    now: number,
    packets: readonly SimPacket[],
    first: number,
    from: Place,
  ): number {
    const slab = this.#slab;
    const head = packets[first] as SimPacket;
    const { number, streamId, offset } = head;
    let [count, bytes, marked, fin] = [0, 0, 0, false];
    for (let next: SimPacket | undefined = head; next; next = packets[first + count]) {
      const belongs =
        next.isData &&
        !next.isForged &&
        next.from === from &&
        next.streamId === streamId &&
        next.number === number + count &&
        next.offset === offset + bytes;
      const fits =
        count < packetLayout.maxRunPackets && bytes + next.bytes < slab.length && next.bytes <= head.bytes;
      if (!belongs || !fits) break;
      slab.set(next.source.subarray(next.at, next.at + next.bytes), bytes);
      bytes += next.bytes;
      marked += Number(next.isMarked);
      fin = next.fin;
      count++;
      if (fin || next.bytes < head.bytes) break;
    }
    const content = slab.subarray(0, bytes);
    const path = this.pathOf(from);
    const run: ReceivedRun = { number, packets: count, streamId, offset, fin, bytes: content, marked, path };
    core.handleRun(now, run);
    content.fill(0xee);
    return count;
  }

  #flush(): void {
    for (let polls = 0; polls < mostPolls; polls++) {
      const transmit = this.core.poll(this.now);
      if (!transmit) return;
      if (transmit.kind === 'run') this.#sendRun(transmit);
      else {
        const frames = Uint8Array.from(transmit.frames);
        const packet = this.#packet(transmit);
        packet.isData = false;
        packet.number = transmit.number;
        packet.source = frames;
        packet.at = 0;
        packet.bytes = frames.length;
        packet.datagramBytes =
          transmit.datagramBytes ?? packetLayout.framesAt + frames.length + packetLayout.tagBytes;
        this.#send(packet);
      }
    }
    throw new Error('poll gives without an end');
  }

  /** Cuts a run to packets. */
  #sendRun(run: RunToSend): void {
    const { packets, bytes, packetBytes, chunks } = run;
    if (bytes > packets * packetBytes || (packets > 1 && bytes <= (packets - 1) * packetBytes))
      throw new Error(`${bytes} bytes are not ${packets} packets of ${packetBytes}`);
    if (packets > packetLayout.maxRunPackets) throw new Error(`a run of ${packets} packets`);
    let [chunk, at] = [0, 0];
    for (let index = 0; index < packets; index++) {
      const packet = this.#packet(run);
      packet.isData = true;
      packet.number = run.number + index;
      packet.streamId = run.streamId;
      packet.offset = run.offset + index * packetBytes;
      packet.fin = run.fin && index === packets - 1;
      packet.bytes = Math.min(packetBytes, bytes - index * packetBytes);
      packet.datagramBytes = packetLayout.dataHeaderBytes + packet.bytes;
      while (at > 0 && at >= (chunks[chunk]?.length ?? 0)) at -= chunks[chunk++]?.length ?? 0;
      const source = chunks[chunk];
      const isWithin = source !== undefined && at + packet.bytes <= source.length;
      if (isWithin && !this.#shape.copies) {
        packet.source = source;
        packet.at = at;
      } else {
        packet.source = gather(chunks, chunk, at, packet.bytes);
        packet.at = 0;
      }
      at += packet.bytes;
      this.#send(packet);
    }
  }

  #packet({ path }: Transmit): SimPacket {
    const packet = SimPacket.take();
    packet.from = this.#place;
    packet.to = this.#paths.get(path);
    return packet;
  }

  #send(packet: SimPacket): void {
    this.packetsSent++;
    if (!packet.to) return packet.release();
    this.sentTo.set(packet.to, (this.sentTo.get(packet.to) ?? 0) + packet.datagramBytes);
    this.#network.send(packet);
  }

  /** As a driver does with one timer of Node's. Events that became needless find that they are. */
  #setTimer(): void {
    const { clock } = this.#network;
    const left = this.core.nextTimeout - this.now;
    if (Number.isNaN(left)) throw new Error('the next timeout is no number');
    this.#wanted = clock.now + Math.max(0, left);
    this.#setAlarm();
  }

  #setAlarm(): void {
    const { clock } = this.#network;
    const { timerMs } = this.#shape;
    const ms = Math.max(timerMs, Math.ceil((this.#wanted - clock.now) / timerMs) * timerMs);
    const at = clock.now + ms;
    if (!(at < this.#alarm)) return;
    this.#alarm = at;
    this.#later(ms, () => {
      if (this.#alarm !== at) return;
      this.#alarm = Infinity;
      if (clock.now < this.#wanted) this.#setAlarm();
      else this.work((core, now) => core.handleTimeout(now));
    });
  }

  #later(ms: number, run: () => void): void {
    this.#network.clock.after(ms, () => {
      const stall = this.#stalledUntil - this.#network.clock.now;
      if (stall > 0) this.#later(stall, run);
      else run();
    });
  }
}

/** A copy of `bytes` bytes from `at` in chunk `chunk` on. */
function gather(chunks: readonly Uint8Array[], chunk: number, at: number, bytes: number): Uint8Array {
  const gathered = new Uint8Array(bytes);
  for (let filled = 0; filled < bytes; chunk++, at = 0) {
    const source = chunks[chunk];
    if (!source) throw new Error('a run has less content than it says');
    const part = source.subarray(at, at + bytes - filled);
    gathered.set(part, filled);
    filled += part.length;
  }
  return gathered;
}
