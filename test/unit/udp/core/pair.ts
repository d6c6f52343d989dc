import { ConnectionCore } from '../../../../plugins/udp/src/core/connection-core.js';
import type {
  ConnectionCoreOptions,
  CoreEnd,
  CoreUser,
  PulledContent,
  Transmit,
} from '../../../../plugins/udp/src/core/contract.js';
import { udpConfig, type UdpConfig } from '../../../../plugins/udp/src/config.js';
import type {
  CongestionController,
  ControllerFactory,
} from '../../../../plugins/udp/src/congestion/controller.js';

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Content of every stream, twice its period; each begins elsewhere in it. */
const period = 65_536;
const pattern = Buffer.from(
  Uint8Array.from({ length: 2 * period }, (_, at) => (at * 7 + (at >> 8) * 31) & 0xff),
);

/** What stands at an offset of a stream; at most `period` bytes. */
function contentAt(streamId: number, offset: number, bytes: number): Uint8Array {
  const at = (offset + streamId * 977) % period;
  return pattern.subarray(at, at + bytes);
}

/** A window and a pace that never change, and all that was told. */
export class FixedController implements CongestionController {
  readonly name = 'fixed window';
  readonly acks: Parameters<CongestionController['handleAck']>[0][] = [];
  readonly losses: Parameters<CongestionController['handleLoss']>[0][] = [];
  persistent = 0;
  spuriousBytes = 0;
  sentBytes = 0;
  datagramBytes: number;

  readonly windowBytes: number;
  readonly pacingRate: number;

  constructor(windowBytes: number, pacingRate: number, datagramBytes: number) {
    this.windowBytes = windowBytes;
    this.pacingRate = pacingRate;
    this.datagramBytes = datagramBytes;
  }

  handleSent(_now: number, bytes: number): void {
    this.sentBytes += bytes;
  }
  handleAck(ack: (typeof this.acks)[number]): void {
    this.acks.push(ack);
  }
  handleLoss(loss: (typeof this.losses)[number]): void {
    this.losses.push(loss);
  }
  handlePersistentCongestion(): void {
    this.persistent += 1;
  }
  handleSpuriousLoss(_now: number, bytes: number): void {
    this.spuriousBytes += bytes;
  }
  handleDatagramBytes(bytes: number): void {
    this.datagramBytes = bytes;
  }
  describe(): Readonly<Record<string, number>> {
    return {};
  }
}

function contentEquals(streamId: number, offset: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += period) {
    const part = bytes.subarray(at, at + period);
    if (Buffer.compare(part, contentAt(streamId, offset + at, part.length)) !== 0) return false;
  }
  return true;
}

/** A stream's content on its way out. */
interface Outgoing {
  readonly streamId: number;
  readonly bytes: number;
  offset: number;
  finSent: boolean;
}

/** One end's user: sends what it is told to, and checks what comes. */
export class EndUser implements CoreUser {
  readonly ends: CoreEnd[] = [];
  readonly paths: number[] = [];
  readonly received = new Map<number, number>();
  readonly finished = new Set<number>();
  readonly wrong: string[] = [];
  readonly outgoing: Outgoing[] = [];
  readonly controlOut: Uint8Array[] = [];
  readonly controlIn: number[] = [];
  limit: (streamId: number) => number | 'unopened' | 'over' = () => Infinity;
  pulled = 0;
  done = 0;
  doneTwice = 0;
  /** Largest piece that is given at once. */
  pieceBytes = Infinity;
  #turn = 0;

  send(streamId: number, bytes: number): void {
    this.outgoing.push({ streamId, bytes, offset: 0, finSent: false });
  }

  handleControl(bytes: Uint8Array): void {
    this.controlIn.push(...bytes);
  }

  handleContent(streamId: number, bytes: Uint8Array, fin: boolean): void {
    if (this.finished.has(streamId)) this.wrong.push(`stream ${streamId} goes on behind its end`);
    const at = this.received.get(streamId) ?? 0;
    if (!contentEquals(streamId, at, bytes)) this.wrong.push(`stream ${streamId} at ${at}`);
    this.received.set(streamId, at + bytes.length);
    if (fin) this.finished.add(streamId);
  }

  limitOf(streamId: number): number | 'unopened' | 'over' {
    return this.limit(streamId);
  }

  pullControl(): Uint8Array | undefined {
    return this.controlOut.shift();
  }

  pullContent(maxBytes: number): PulledContent | undefined {
    const open = this.outgoing.filter((one) => !one.finSent);
    const stream = open[this.#turn++ % Math.max(1, open.length)];
    if (stream === undefined) return undefined;
    const { streamId, offset } = stream;
    const bytes = Math.min(maxBytes, period, this.pieceBytes, stream.bytes - offset);
    const whole = contentAt(streamId, offset, bytes);
    const half = bytes >> 1;
    stream.offset += bytes;
    stream.finSent = stream.offset === stream.bytes;
    this.pulled += 1;
    let isDone = false;
    return {
      streamId,
      offset,
      bytes,
      chunks: bytes === 0 ? [] : [whole.subarray(0, half), whole.subarray(half)],
      fin: stream.finSent,
      done: () => {
        if (isDone) this.doneTwice += 1;
        else this.done += 1;
        isDone = true;
      },
    };
  }

  handleEnd(end: CoreEnd): void {
    this.ends.push(end);
  }

  handlePath(path: number): void {
    this.paths.push(path);
  }
}

export interface LinkOptions {
  readonly delayMs: number;
  /** Added to each packet's delay, at random. */
  readonly jitterMs?: number;
  readonly loss?: number;
  readonly duplication?: number;
  /** Bytes a second, and what the queue before it holds. */
  readonly rate?: number;
  readonly queueBytes?: number;
  /** Larger datagrams are lost. */
  readonly mtuBytes?: number;
  readonly markShare?: number;
}

export interface PairOptions {
  readonly seed?: number;
  readonly link: LinkOptions;
  readonly windowBytes?: number;
  readonly pacingRate?: number;
  readonly config?: Partial<UdpConfig>;
  readonly rttMs?: number;
  readonly controller?: ControllerFactory;
}

/** One packet as it is under way. */
interface Packet {
  readonly at: number;
  readonly order: number;
  readonly number: number;
  readonly datagramBytes: number;
  readonly marked: number;
  readonly path: number;
  /** Control. */
  readonly frames?: Uint8Array;
  /** Data. */
  readonly streamId: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly fin: boolean;
}

export class End {
  readonly user = new EndUser();
  readonly core: ConnectionCore;
  controller!: FixedController;
  readonly controllers: FixedController[] = [];
  /** The path that the other end sees it on. */
  address = 0;
  link: LinkOptions;
  inbox: Packet[] = [];
  freeAt = 0;
  sentPackets = 0;
  sent: Transmit[] = [];
  keepsSent = false;

  constructor(options: PairOptions, random: () => number, overrides: Partial<ConnectionCoreOptions> = {}) {
    const { windowBytes = 1024 * 1024, pacingRate = Infinity, rttMs = 0, link } = options;
    this.link = link;
    const config = udpConfig(options.config);
    this.core = new ConnectionCore({
      config,
      now: 0,
      randomBytes: (into) => {
        for (let index = 0; index < into.length; index++) into[index] = Math.floor(random() * 256);
      },
      random,
      controller: ({ datagramBytes }) => {
        this.controller = new FixedController(windowBytes, pacingRate, datagramBytes);
        this.controllers.push(this.controller);
        return this.controller;
      },
      path: 0,
      peer: {
        maxDatagramBytes: 65_507,
        receiveBufferBytes: 8 * 1024 * 1024,
        creditBytes: config.creditBytes,
      },
      rttMs,
      controlSentBytes: 0,
      controlReceivedBytes: 0,
      user: this.user,
      ...overrides,
    });
  }
}

/** Two cores and a network between them, in virtual time. */
export class Pair {
  readonly a: End;
  readonly b: End;
  now = 0;
  readonly random: () => number;
  #order = 0;
  /** Added to what the ends are told of the time. */
  skewMs = 0;
  /** Timers fire on whole milliseconds, and so much later. */
  timersLateMs = 0;
  /** False: the packet is lost. */
  passes: (from: End, packet: Packet) => boolean = () => true;

  constructor(options: PairOptions, overrides?: Partial<ConnectionCoreOptions>) {
    this.random = seeded(options.seed ?? 1);
    this.a = new End(options, this.random, overrides);
    this.b = new End(options, this.random, overrides);
  }

  /** Runs until `isOver`, or `limitMs` have passed; false: then. */
  run(isOver: () => boolean, limitMs = 60_000): boolean {
    const until = this.now + limitMs;
    for (let step = 0; step < 2_000_000; step++) {
      this.#flush(this.a, this.b);
      this.#flush(this.b, this.a);
      if (isOver()) return true;
      const timers = Math.min(this.#firesAt(this.a), this.#firesAt(this.b));
      const at = Math.min(timers, this.#arrival(this.a), this.#arrival(this.b));
      if (at > until || at === Infinity) {
        this.now = until;
        return false;
      }
      this.now = Math.max(this.now, at);
      this.#arrive(this.a);
      this.#arrive(this.b);
      for (const { core } of [this.a, this.b])
        if (core.nextTimeout - this.skewMs <= this.now) core.handleTimeout(this.clock);
    }
    throw new Error('the cores turn without end');
  }

  #firesAt({ core }: End): number {
    const at = core.nextTimeout - this.skewMs;
    return this.timersLateMs > 0 && at > this.now ? Math.ceil(at) + this.timersLateMs : at;
  }

  get clock(): number {
    return this.now + this.skewMs;
  }

  /** What is on its way to both. */
  forgetUnderWay(): void {
    this.a.inbox = [];
    this.b.inbox = [];
  }

  #arrival = (end: End): number => end.inbox[0]?.at ?? Infinity;

  #flush(from: End, to: End): void {
    for (let sent = from.core.poll(this.clock); sent !== undefined; sent = from.core.poll(this.clock)) {
      if (from.keepsSent) from.sent.push(sent);
      for (const packet of packetsOf(sent, from.address)) this.#send(from, to, packet);
    }
  }

  #send(from: End, to: End, packet: Packet): void {
    from.sentPackets += 1;
    const {
      delayMs,
      jitterMs = 0,
      loss = 0,
      duplication = 0,
      rate = Infinity,
      mtuBytes = Infinity,
    } = from.link;
    if (!this.passes(from, packet) || packet.datagramBytes > mtuBytes || this.random() < loss) return;
    const waitsMs = Math.max(0, from.freeAt - this.now);
    if ((waitsMs / 1000) * rate > (from.link.queueBytes ?? Infinity)) return;
    from.freeAt = this.now + waitsMs + (packet.datagramBytes / rate) * 1000;
    const marked = this.random() < (from.link.markShare ?? 0) ? 1 : 0;
    const copies = this.random() < duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++)
      insert(to.inbox, {
        ...packet,
        marked,
        at: from.freeAt + delayMs + this.random() * jitterMs,
        order: this.#order++,
      });
  }

  #arrive(end: End): void {
    let batch = 0;
    while (this.#arrival(end) <= this.now) {
      const packet = end.inbox.shift()!;
      batch += 1;
      const { number, marked, path, datagramBytes, frames } = packet;
      if (frames !== undefined) {
        end.core.handlePacket(this.clock, { number, frames, marked, path, datagramBytes });
        continue;
      }
      const run = [packet];
      while (follows(run.at(-1)!, end.inbox[0], this.now)) run.push(end.inbox.shift()!);
      const last = run.at(-1)!;
      end.core.handleRun(this.clock, {
        number,
        packets: run.length,
        streamId: packet.streamId,
        offset: packet.offset,
        fin: last.fin,
        bytes: run.length === 1 ? packet.bytes : Buffer.concat(run.map(({ bytes }) => bytes)),
        marked: run.reduce((sum, one) => sum + one.marked, 0),
        path,
      });
    }
    if (batch > 0) end.core.handleBatchEnd(this.clock);
  }
}

const follows = (before: Packet, packet: Packet | undefined, now: number): boolean =>
  packet !== undefined &&
  packet.at <= now &&
  packet.frames === undefined &&
  packet.number === before.number + 1 &&
  packet.streamId === before.streamId &&
  packet.offset === before.offset + before.bytes.length &&
  packet.path === before.path &&
  !before.fin;

function insert(inbox: Packet[], packet: Packet): void {
  let index = inbox.length;
  while (index > 0 && inbox[index - 1]!.at > packet.at) index -= 1;
  inbox.splice(index, 0, packet);
}

/** What the socket makes of it. */
export function packetsOf(sent: Transmit, path: number): Packet[] {
  const common = { at: 0, order: 0, marked: 0, path };
  if (sent.kind === 'control') {
    const datagramBytes = sent.datagramBytes ?? sent.frames.length + 23;
    // The receiver gets the padding, too.
    const frames = new Uint8Array(datagramBytes - 23);
    frames.set(sent.frames);
    const nothing = { streamId: 0, offset: 0, bytes: new Uint8Array(0), fin: false };
    return [{ ...common, ...nothing, number: sent.number, frames, datagramBytes }];
  }
  const whole = Buffer.concat(sent.chunks);
  if (whole.length !== sent.bytes) throw new Error(`chunks of ${whole.length} bytes, not ${sent.bytes}`);
  return Array.from({ length: sent.packets }, (_, index) => {
    const bytes = whole.subarray(index * sent.packetBytes, (index + 1) * sent.packetBytes);
    return {
      ...common,
      number: sent.number + index,
      datagramBytes: bytes.length + 33,
      streamId: sent.streamId,
      offset: sent.offset + index * sent.packetBytes,
      bytes,
      fin: sent.fin && index === sent.packets - 1,
    };
  });
}
