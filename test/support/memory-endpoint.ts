import { fabricEvent, type FabricEndpoint, type FabricEndpointOptions, type FabricPeer } from 'xfer/plugin';
import { randomBytes } from 'node:crypto';
import type { MemoryNetwork } from './memory-fabric.js';

type Features = FabricEndpoint['features'];
type Stats = ReturnType<FabricEndpoint['stats']>;
type Faults = NonNullable<FabricEndpointOptions['faults']>;

const addonHeadBytes = 16;
const pageBytes = 4096;
const tagMask = 2n ** 56n - 1n;

/** A message on its way; copied when it arrives, as hardware would. */
interface Parcel {
  readonly from: MemoryEndpoint;
  readonly token: number;
  readonly tag: bigint;
  readonly isLarge: boolean;
  readonly head: Uint8Array;
  readonly chunks: readonly Uint8Array[];
}

interface Block {
  readonly isLarge: boolean;
  /** Where a head lies, behind the addon's own bytes. */
  readonly offset: number;
  /** The handler's, and who keeps it. */
  holds: number;
}

/** Receive buffers of one size. */
class Blocks {
  readonly memory: ArrayBuffer;
  readonly free: number[] = [];
  /** Those that the other side does not know of yet. */
  freed = 0;

  constructor(all: Block[], isLarge: boolean, count: number, bytes: number, lead: number) {
    const shift = (pageBytes - (lead % pageBytes)) % pageBytes;
    const stride = Math.ceil((bytes + shift) / pageBytes) * pageBytes;
    this.memory = new ArrayBuffer(stride * count);
    for (let i = 0; i < count; i++) {
      this.free.push(all.length);
      all.push({ isLarge, offset: i * stride + shift + addonHeadBytes, holds: 0 });
    }
  }
}

/**
 * An endpoint as `FabricApi` has them, without libfabric: what is sent arrives in later turns of the loop, in order, in a
 * receive buffer of its size, and buffers go back to the sender as credit. Breaking its rules throws.
 */
export class MemoryEndpoint implements FabricEndpoint {
  readonly address = new Uint8Array(randomBytes(16));
  readonly tag = (randomBytes(8).readBigUInt64BE() & tagMask) | 1n;
  readonly features: Features;
  failure: Error | undefined;
  smallRoom = 0;
  largeRoom = 0;
  smallRoomBytes = 0;
  largeRoomBytes = 0;
  isClosed = false;
  readonly #network: MemoryNetwork;
  readonly #options: FabricEndpointOptions;
  readonly #isSilent: boolean;
  readonly #closes: () => Promise<unknown>;
  readonly #all: Block[] = [];
  readonly #small: Blocks;
  readonly #large: Blocks;
  readonly #regions = new Set<ArrayBufferLike>();
  readonly #tokens = new Set<number>();
  #peer: (FabricPeer & { readonly key: string }) | undefined;
  #incoming: Parcel[] = [];
  #events: number[] = [];
  #isScheduled = false;
  #isInHandler = false;
  #counts = { messagesSent: 0, messagesReceived: 0, copiedBytes: 0, registrations: 0 };
  #lastPieceBytes = 0;

  constructor(
    network: MemoryNetwork,
    options: FabricEndpointOptions,
    isSilent: boolean,
    closes: () => Promise<unknown> = () => Promise.resolve(),
  ) {
    const { smallCount, smallBytes, largeCount, largeBytes, largeLeadBytes = 0 } = options;
    this.#network = network;
    this.#options = options;
    this.#isSilent = isSilent;
    this.#closes = closes;
    this.#small = new Blocks(this.#all, false, smallCount, smallBytes, 0);
    this.#large = new Blocks(this.#all, true, largeCount, largeBytes, largeLeadBytes);
    this.features = {
      ...{ provider: options.provider, wait: 'fd', maxMessageBytes: 2 ** 30, injectBytes: 64 },
      ...{ hasHugePages: false, needsRegistration: false },
    };
  }

  get key(): string {
    return Buffer.from(this.address).toString('hex');
  }

  get smallMemory(): ArrayBuffer {
    return this.#small.memory;
  }

  get largeMemory(): ArrayBuffer {
    return this.#large.memory;
  }

  get options(): FabricEndpointOptions {
    return this.#options;
  }

  async connect(peer: FabricPeer): Promise<void> {
    if (this.#peer) throw new Error('connected twice');
    await new Promise((resolve) => setImmediate(resolve));
    this.#peer = { ...peer, key: Buffer.from(peer.address).toString('hex') };
    this.smallRoom = peer.smallCount;
    this.largeRoom = peer.largeCount;
    this.smallRoomBytes = peer.smallBytes - addonHeadBytes;
    this.largeRoomBytes = peer.largeBytes - addonHeadBytes;
  }

  send(token: number, head: Uint8Array, chunks: readonly Uint8Array[]): void {
    if (!this.#peer || this.isClosed || this.#tokens.has(token)) throw new Error('a send that may not be');
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, head.length);
    const isLarge = bytes > this.smallRoomBytes;
    if (head.length > 64 || bytes > this.largeRoomBytes) throw new Error('a message that is too long');
    if (--this[isLarge ? 'largeRoom' : 'smallRoom'] < 0) throw new Error('a send without room');
    this.#tokens.add(token);
    if (isLarge) this.#countPieces(chunks);
    if (this.failure) return this.#tell(fabricEvent.sent, token);
    this.#counts.messagesSent++;
    if (
      this.#isFault('send', this.#counts.messagesSent) ||
      this.#isFault('completion', this.#counts.messagesSent)
    )
      return this.#tell(fabricEvent.sent, token);
    if (this.#isSilent) return;
    const { tag, key } = this.#peer;
    this.#network.endpoints
      .get(key)
      ?.arrive({ from: this, token, tag, isLarge, head: new Uint8Array(head), chunks });
  }

  retain(block: number): void {
    if (!this.#isInHandler) throw new Error('kept outside of its handler');
    this.#blockOf(block).holds++;
  }

  release(block: number): void {
    if (this.isClosed) throw new Error('released behind the end');
    this.#letGo(block);
  }

  async region(bytes: number): Promise<ArrayBuffer> {
    await new Promise((resolve) => setImmediate(resolve));
    const fault = this.#options.faults?.register;
    if (++this.#counts.registrations === fault?.at)
      throw Object.assign(new Error(`fi_mr_reg: ${fault.error}`), { code: fault.error });
    const region = new ArrayBuffer(bytes);
    this.#regions.add(region);
    return region;
  }

  stats(): Stats {
    const { messagesSent, messagesReceived, copiedBytes } = this.#counts;
    return {
      ...{ messagesSent, messagesReceived, copiedBytes, creditMessages: 0 },
      ...{ lastPieceAddress: 0n, lastPieceBytes: this.#lastPieceBytes },
      smallPosted: this.#small.free.length,
      largePosted: this.#large.free.length,
      registeredBytes: this.#small.memory.byteLength + this.#large.memory.byteLength,
    };
  }

  keepAlive(): void {
    return;
  }

  async close(): Promise<void> {
    this.kill();
    for (const token of this.#tokens) this.#tell(fabricEvent.sent, token);
    while (this.#tokens.size > 0) await new Promise((resolve) => setImmediate(resolve));
    await this.#closes();
  }

  /** Nothing of it is there any more, and nobody is told, as where its process is killed. */
  kill(): void {
    this.isClosed = true;
    this.#network.endpoints.delete(this.key);
  }

  /** It breaks, as by an error of the provider. */
  fail(error: string): void {
    if (this.failure || this.isClosed) return;
    this.failure = Object.assign(new Error(`fi_cq_readerr: ${error}`), { code: error });
    this.#tell(fabricEvent.failed, 0);
  }

  arrive(parcel: Parcel): void {
    if (parcel.tag !== this.tag) return;
    this.#incoming.push(parcel);
    this.#schedule();
  }

  /** A message of ours has arrived there. */
  handleArrived(token: number): void {
    this.#tell(fabricEvent.sent, token);
  }

  grant(small: number, large: number): void {
    this.smallRoom += small;
    this.largeRoom += large;
    this.#tell(fabricEvent.credit, 0);
  }

  #countPieces(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      if (!this.#regions.has(chunk.buffer)) this.#counts.copiedBytes += chunk.length;
      this.#lastPieceBytes = chunk.length;
    }
  }

  #tell(kind: number, first: number, second = 0, third = 0): void {
    if (this.isClosed && kind !== fabricEvent.sent) return;
    this.#events.push(kind, first, second, third);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#receive();
      this.#deliver();
      this.#giveCredit();
    });
  }

  #receive(): void {
    const parcels = this.#incoming.splice(0);
    for (const parcel of parcels) {
      if (this.isClosed || this.failure) return;
      this.#counts.messagesReceived++;
      if (this.#isFault('receive', this.#counts.messagesReceived)) return;
      const block = (parcel.isLarge ? this.#large : this.#small).free.shift();
      if (block === undefined) throw new Error('no buffer is posted for what was sent');
      const entry = this.#blockOf(block);
      entry.holds = 1;
      const memory = Buffer.from((parcel.isLarge ? this.#large : this.#small).memory);
      let at = entry.offset;
      for (const part of [parcel.head, ...parcel.chunks]) {
        memory.set(part, at);
        at += part.length;
      }
      const kind = parcel.isLarge ? fabricEvent.large : fabricEvent.small;
      this.#events.push(kind, block, entry.offset, at - entry.offset);
      parcel.from.handleArrived(parcel.token);
    }
  }

  #deliver(): void {
    const events = this.#events.splice(0);
    if (events.length === 0) return;
    for (let at = 0; at < events.length; at += 4)
      if (events[at] === fabricEvent.sent) this.#tokens.delete(events[at + 1] ?? 0);
    this.#isInHandler = true;
    this.#options.onEvents(Float64Array.from(events), events.length / 4);
    this.#isInHandler = false;
    for (let at = 0; at < events.length; at += 4) {
      const kind = events[at];
      if (kind === fabricEvent.small || kind === fabricEvent.large) this.#letGo(events[at + 1] ?? 0);
    }
  }

  #letGo(block: number): void {
    const entry = this.#blockOf(block);
    if (--entry.holds < 0) throw new Error('released more often than kept');
    if (entry.holds > 0) return;
    const blocks = entry.isLarge ? this.#large : this.#small;
    blocks.free.push(block);
    blocks.freed++;
    this.#schedule();
  }

  #giveCredit(): void {
    const [small, large] = [this.#small.freed, this.#large.freed];
    if (small + large === 0 || this.isClosed || !this.#peer) return;
    this.#small.freed = 0;
    this.#large.freed = 0;
    this.#network.endpoints.get(this.#peer.key)?.grant(small, large);
  }

  #blockOf(block: number): Block {
    const entry = this.#all[block];
    if (!entry) throw new Error(`no block ${block}`);
    return entry;
  }

  #isFault(name: keyof Faults, count: number): boolean {
    const fault = this.#options.faults?.[name];
    if (fault?.at !== count) return false;
    this.fail(fault.error);
    return true;
  }
}
