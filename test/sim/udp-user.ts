import type { CoreEnd, CoreUser, PulledContent } from '../../plugins/udp/src/core/contract.js';
import { FuzzRandom } from '../support/fuzz-random.js';
import { contentOf, isContent } from './udp-content.js';
import type { SimEnd } from './udp-end.js';
import { MessageReader, MessageWriter, type SimMessage } from './udp-messages.js';
import type { VirtualClock } from './virtual-clock.js';

/** A stream that a user opens. */
export interface StreamPlan {
  readonly atMs: number;
  readonly bytes: number;
  /** What the other side sends on it. */
  readonly backBytes: number;
  /** One side gives it up, so long after it was opened. */
  readonly resetAfterMs?: number;
}

export interface UserShape {
  /** How much of a stream may come before it is read. Infinity: nobody waits for anybody. */
  readonly windowBytes: number;
  /** One stream in so many is read slowly, and so many are taken up late; 0: none. */
  readonly slowOneIn: number;
  readonly lateOneIn: number;
  /** One call in so many of `handleContent` and `done` gives the stream up from within. */
  readonly fickleOneIn: number;
  /** Content is the user's own until `done`, and written over then. */
  readonly owns: boolean;
  /** Does not look at what the content is: an attacker changes it. */
  readonly isBlind: boolean;
}

export const plainUser: UserShape = Object.freeze({
  windowBytes: Infinity,
  slowOneIn: 0,
  lateOneIn: 0,
  fickleOneIn: 0,
  owns: false,
  isBlind: false,
});

interface Outgoing {
  readonly bytes: number;
  sent: number;
  /** What the other side takes in all. */
  limit: number;
  isEndSent: boolean;
  /** Pulled, and `done` was not called. */
  pending: number;
}

interface Incoming {
  received: number;
  read: number;
  limit: number;
  isReading: boolean;
  isSlow: boolean;
}

/** As long as mux's. */
const keepAliveMs = 15_000;
/** Of a stream that the other side did not take up yet (earlyStreamBytes). */
const earlyBytes = 64 * 1024;

/** A user of one end: opens streams, reads, gives up, and checks all that the core says. */
export class SimUser implements CoreUser {
  readonly #clock: VirtualClock;
  readonly #end: SimEnd;
  readonly #random: FuzzRandom;
  readonly #shape: UserShape;
  /** 0: the dialer, whose streams are odd. */
  readonly #side: 0 | 1;
  readonly #outgoing = new Map<number, Outgoing>();
  readonly #incoming = new Map<number, Incoming>();
  readonly #over = new Set<number>();
  /** Credit that the other side told, of streams that were not taken up here yet, too. */
  readonly #granted = new Map<number, number>();
  readonly #control: Uint8Array[] = [];
  readonly #writer = new MessageWriter();
  readonly #reader = new MessageReader();
  #plannedStreams = 0;
  #opened = 0;
  #late = 0;
  /** Pulled and not done, of all streams, given up ones included. */
  pendingContent = 0;
  pendingBytes = 0;
  controlSentBytes = 0;
  controlReceivedBytes = 0;
  receivedBytes = 0;
  pulledBytes = 0;
  /** In the world's time: content or control came. */
  progressAt = 0;
  moves = 0;
  /** Of all streams that it sent on. */
  readonly sizes = new Map<number, number>();
  peer: SimUser | undefined;
  /** Says nothing more. */
  isClosing = false;
  ended: CoreEnd | undefined;

  constructor(clock: VirtualClock, end: SimEnd, seed: number, side: 0 | 1, shape: Partial<UserShape> = {}) {
    this.#clock = clock;
    this.#end = end;
    this.#random = new FuzzRandom(seed);
    this.#side = side;
    this.#shape = { ...plainUser, ...shape };
  }

  /** All that was planned is opened, sent, had by the other side or given up; and all that came is read. */
  get isComplete(): boolean {
    return this.isSent && this.pendingContent === 0 && this.#incoming.size === 0;
  }

  /** Nothing will be pulled any more, unless the other side asks for it. */
  get isSent(): boolean {
    const isIdle = this.#opened === this.#plannedStreams && this.#late === 0 && this.#control.length === 0;
    return isIdle && [...this.#outgoing.values()].every(({ isEndSent }) => isEndSent);
  }

  get outgoingStreams(): number {
    return this.#outgoing.size;
  }

  /** Streams that have not ended both ways. */
  get knownStreams(): number {
    return new Set([...this.#outgoing.keys(), ...this.#incoming.keys()]).size;
  }

  /** Said on control. */
  get messages(): number {
    return this.#writer.count;
  }

  /** Streams that the other side still sends on. */
  get incomingStreams(): number {
    return this.#incoming.size;
  }

  get isControlWhole(): boolean {
    return this.#reader.isWhole;
  }

  /** Where it stands, for people. */
  describe(): object {
    const { receivedBytes, pendingContent, ended } = this;
    return {
      ended,
      receivedBytes,
      pendingContent,
      outgoing: [...this.#outgoing],
      incoming: [...this.#incoming],
    };
  }

  plan(streams: readonly StreamPlan[]): void {
    this.#plannedStreams += streams.length;
    for (const stream of streams) this.#clock.after(stream.atMs, () => this.#open(stream));
  }

  /** Says something from time to time, as mux does: an end whose address changed is found by what it sends. */
  keepAlive(): void {
    this.#clock.after(keepAliveMs, () => {
      if (this.ended || this.isClosing) return;
      this.chat(0);
      this.keepAlive();
    });
  }

  /** Sends a message that says nothing. */
  chat(bytes: number): void {
    this.#tell({ kind: 'filler', streamId: 0, value: bytes });
  }

  handleControl(bytes: Uint8Array): void {
    this.#expectAlive('control');
    this.controlReceivedBytes += bytes.length;
    this.progressAt = this.#clock.now;
    this.#reader.read(bytes, (message) => this.#handleMessage(message));
  }

  handleContent(streamId: number, bytes: Uint8Array, fin: boolean): void {
    this.#expectAlive('content');
    const stream = this.#incoming.get(streamId);
    if (!stream) throw new Error(`content of stream ${streamId}, which is not open`);
    if (bytes.length === 0 && !fin) throw new Error(`empty content of stream ${streamId}`);
    if (!this.#shape.isBlind && !isContent(bytes, streamId, 1 - this.#side, stream.received))
      throw new Error(`wrong content of stream ${streamId} from ${stream.received} on`);
    stream.received += bytes.length;
    this.receivedBytes += bytes.length;
    this.progressAt = this.#clock.now;
    if (stream.received > stream.limit) throw new Error(`more of stream ${streamId} than it may bring`);
    if (fin) this.#handleStreamEnd(streamId, stream);
    else if (this.#isFickle()) this.#giveUp(streamId);
    else this.#read(streamId, stream);
  }

  limitOf(streamId: number): number | 'unopened' | 'over' {
    if (this.#over.has(streamId)) return 'over';
    return this.#incoming.get(streamId)?.limit ?? 'unopened';
  }

  pullControl(maxBytes: number): Uint8Array | undefined {
    this.#expectAlive('a pull');
    const taken: Uint8Array[] = [];
    for (let bytes = 0; bytes < maxBytes;) {
      const next = this.#control.shift();
      if (!next) break;
      taken.push(next);
      bytes += next.length;
    }
    if (taken.length === 0) return undefined;
    const bytes = Buffer.concat(taken);
    this.controlSentBytes += bytes.length;
    return bytes;
  }

  pullContent(maxBytes: number): PulledContent | undefined {
    this.#expectAlive('a pull');
    if (!(maxBytes > 0)) throw new Error(`at most ${maxBytes} bytes are wanted`);
    for (const [streamId, stream] of this.#outgoing) {
      const bytes = Math.min(maxBytes, stream.bytes - stream.sent, stream.limit - stream.sent);
      const fin = stream.sent + bytes === stream.bytes;
      if (stream.isEndSent || (bytes === 0 && !fin)) continue;
      // Taking turns.
      this.#outgoing.delete(streamId);
      this.#outgoing.set(streamId, stream);
      return this.#pull(streamId, stream, bytes, fin);
    }
    return undefined;
  }

  handleEnd(end: CoreEnd): void {
    this.#expectAlive('an end');
    this.ended = end;
  }

  handlePath(): void {
    this.#expectAlive('a path');
    this.moves++;
  }

  #pull(streamId: number, stream: Outgoing, bytes: number, fin: boolean): PulledContent {
    const offset = stream.sent;
    const all = contentOf(streamId, this.#side, offset, bytes);
    const chunks = this.#shape.owns ? all.map((chunk) => chunk.slice()) : all;
    stream.sent += bytes;
    this.pulledBytes += bytes;
    stream.isEndSent = fin;
    stream.pending++;
    this.pendingContent++;
    this.pendingBytes += bytes;
    let isDone = false;
    const done = (): void => {
      if (isDone) throw new Error(`done twice with stream ${streamId} from ${offset} on`);
      isDone = true;
      if (this.#shape.owns) for (const chunk of chunks) chunk.fill(0xdd);
      stream.pending--;
      this.pendingContent--;
      this.pendingBytes -= bytes;
      if (this.#outgoing.get(streamId) !== stream) return;
      if (this.#isFickle()) this.#giveUp(streamId);
      else if (stream.isEndSent && stream.pending === 0) {
        this.#outgoing.delete(streamId);
        this.#leave(streamId);
      }
    };
    return { streamId, offset, bytes, chunks, fin, done };
  }

  #open(plan: StreamPlan): void {
    if (this.ended) return;
    const streamId = 2 * ++this.#opened - 1 + this.#side;
    this.#tell({ kind: 'open', streamId, value: plan.backBytes });
    this.#send(streamId, plan.bytes, this.#shape.windowBytes === Infinity ? Infinity : earlyBytes);
    if (plan.backBytes > 0) this.#take(streamId);
    if (plan.resetAfterMs !== undefined) this.#clock.after(plan.resetAfterMs, () => this.#giveUp(streamId));
  }

  #send(streamId: number, bytes: number, limit: number): void {
    this.sizes.set(streamId, bytes);
    const granted = this.#granted.get(streamId) ?? limit;
    this.#outgoing.set(streamId, { bytes, sent: 0, limit: granted, isEndSent: false, pending: 0 });
    this.#end.work((core) => core.ready());
  }

  #take(streamId: number): void {
    const { windowBytes, slowOneIn } = this.#shape;
    const isSlow = slowOneIn > 0 && this.#random.chance(slowOneIn);
    const limit = Math.max(earlyBytes, windowBytes);
    this.#incoming.set(streamId, { received: 0, read: 0, limit, isReading: false, isSlow });
    this.#tell({ kind: 'window', streamId, value: Math.min(limit, 2 ** 47) });
    this.#end.work((core, now) => core.opened(now, streamId));
  }

  #tell(message: SimMessage): void {
    if (this.ended || this.isClosing) return;
    this.#control.push(this.#writer.write(message));
    this.#end.work((core) => core.ready());
  }

  #handleMessage({ kind, streamId, value }: SimMessage): void {
    if (kind === 'open') this.#handleOpen(streamId, value);
    else if (kind === 'reset') this.#forget(streamId);
    else if (kind === 'window') {
      this.#granted.set(streamId, value);
      const stream = this.#outgoing.get(streamId);
      if (!stream) return;
      stream.limit = value;
      this.#end.work((core) => core.ready());
    }
  }

  #handleOpen(streamId: number, backBytes: number): void {
    const take = (): void => {
      if (this.#over.has(streamId) || this.ended) return;
      if (backBytes > 0) this.#send(streamId, backBytes, earlyBytes);
      this.#take(streamId);
    };
    const { lateOneIn } = this.#shape;
    if (!(lateOneIn > 0 && this.#random.chance(lateOneIn))) return take();
    this.#late++;
    this.#clock.after(1 + this.#random.below(500), () => {
      this.#late--;
      take();
    });
  }

  #read(streamId: number, stream: Incoming): void {
    if (this.#shape.windowBytes === Infinity || stream.isReading) return;
    if (!stream.isSlow) return this.#grant(streamId, stream, stream.received);
    stream.isReading = true;
    this.#clock.after(1 + this.#random.below(50), () => {
      stream.isReading = false;
      if (this.#incoming.get(streamId) !== stream || this.ended) return;
      const part = 1 + this.#random.below(stream.received - stream.read);
      this.#grant(streamId, stream, stream.read + part);
      if (stream.read < stream.received) this.#read(streamId, stream);
    });
  }

  /** As mux does: credit is told when half of the window was read. */
  #grant(streamId: number, stream: Incoming, read: number): void {
    stream.read = read;
    const { windowBytes } = this.#shape;
    const limit = read + windowBytes;
    if (limit - stream.limit < windowBytes / 2) return;
    stream.limit = limit;
    this.#tell({ kind: 'window', streamId, value: limit });
  }

  #handleStreamEnd(streamId: number, { received }: Incoming): void {
    const bytes = this.peer?.sizes.get(streamId);
    if (received !== bytes) throw new Error(`stream ${streamId} ends at ${received} instead of ${bytes}`);
    this.#incoming.delete(streamId);
    this.#over.add(streamId);
    this.#leave(streamId);
  }

  /** As mux does: a stream that has ended both ways is forgotten. */
  #leave(streamId: number): void {
    if (this.ended || this.#outgoing.has(streamId) || this.#incoming.has(streamId)) return;
    if (this.#isOwn(streamId)) this.#over.add(streamId);
    if (this.#over.has(streamId)) this.#end.work((core) => core.forget(streamId));
  }

  #isOwn(streamId: number): boolean {
    return streamId % 2 === 1 - this.#side;
  }

  #isFickle(): boolean {
    const { fickleOneIn } = this.#shape;
    return fickleOneIn > 0 && !this.ended && this.#random.chance(fickleOneIn);
  }

  #giveUp(streamId: number): void {
    if (this.ended || !(this.#outgoing.has(streamId) || this.#incoming.has(streamId))) return;
    this.#tell({ kind: 'reset', streamId, value: 0 });
    this.#forget(streamId);
  }

  #forget(streamId: number): void {
    this.#outgoing.delete(streamId);
    this.#incoming.delete(streamId);
    this.#over.add(streamId);
    this.#granted.delete(streamId);
    this.#end.work((core) => core.forget(streamId));
  }

  #expectAlive(what: string): void {
    if (this.ended) throw new Error(`${what} after the end`);
  }
}
