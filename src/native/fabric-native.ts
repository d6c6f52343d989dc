import { fabricDefaults } from '../config/index.js';
import { eventNumbers, maxEvents } from './fabric-addon.js';
import type { AddonFabricEndpoint, FabricAddon, FabricOpened } from './fabric-addon.js';
import {
  fabricEvent,
  type FabricApi,
  type FabricEndpoint,
  type FabricEndpointOptions,
  type FabricFeatures,
  type FabricPeer,
  type FabricStats,
} from './fabric-api.js';
import { called, optionArguments, peerArguments } from './fabric-calls.js';
import { openLoop } from './fabric-loop.js';

/** Every message begins with so many bytes of the addon. */
const ownHeaderBytes = 16;

/** What threads that were left to themselves may yet read: never let go of. */
const abandoned: unknown[] = [];

export function nativeFabric(addon: FabricAddon): FabricApi {
  return {
    version: addon.version,
    providers: () => called((done) => addon.providers(done)),
    open: (options) => openEndpoint(addon, options),
    loop: (options) => openLoop(addon, options),
  };
}

async function openEndpoint(addon: FabricAddon, options: FabricEndpointOptions): Promise<FabricEndpoint> {
  const events = new Float64Array(maxEvents * eventNumbers);
  const underWay = new Map<number, readonly Uint8Array[]>();
  const onEvents = (count: number): void => {
    for (let at = 0; at < count * eventNumbers; at += eventNumbers)
      if (events[at] === fabricEvent.sent) underWay.delete(events[at + 1] ?? 0);
    options.onEvents(events, count);
  };
  const [handle, opened] = await openHandle(addon, options, events, onEvents);
  return new NativeFabricEndpoint(handle, opened, underWay, events, onEvents);
}

/** In a scope of its own: else what handles events would hold the handle, too. */
async function openHandle(
  addon: FabricAddon,
  options: FabricEndpointOptions,
  events: Float64Array,
  onEvents: (count: number) => void,
): Promise<[AddonFabricEndpoint, FabricOpened]> {
  let handle: AddonFabricEndpoint | undefined;
  const opened = await called<FabricOpened>((done) => {
    handle = new addon.FabricEndpoint(...optionArguments(options), events, onEvents, done);
  });
  return [handle as AddonFabricEndpoint, opened];
}

class NativeFabricEndpoint implements FabricEndpoint {
  readonly address: Uint8Array;
  readonly tag: bigint;
  readonly features: FabricFeatures;
  smallMemory: ArrayBuffer;
  largeMemory: ArrayBuffer;
  smallRoomBytes = 0;
  largeRoomBytes = 0;
  /** Undefined once it is closed. */
  #handle: AddonFabricEndpoint | undefined;
  /** Of one that is closed. */
  #lastStats: FabricStats | undefined;
  /** By token: the thread reads it. */
  readonly #underWay: Map<number, readonly Uint8Array[]>;
  readonly #events: Float64Array;
  readonly #onEvents: (count: number) => void;
  #failure: Error | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    handle: AddonFabricEndpoint,
    opened: FabricOpened,
    underWay: Map<number, readonly Uint8Array[]>,
    events: Float64Array,
    onEvents: (count: number) => void,
  ) {
    this.address = opened.address;
    this.tag = opened.tag;
    this.features = opened.features;
    this.smallMemory = opened.smallMemory;
    this.largeMemory = opened.largeMemory;
    this.#handle = handle;
    this.#underWay = underWay;
    this.#events = events;
    this.#onEvents = onEvents;
  }

  get failure(): Error | undefined {
    return (this.#failure ??= this.#handle?.failure());
  }

  get smallRoom(): number {
    return this.#handle?.smallRoom() ?? 0;
  }

  get largeRoom(): number {
    return this.#handle?.largeRoom() ?? 0;
  }

  async connect(peer: FabricPeer): Promise<void> {
    await called((done) => this.#open.connect(...peerArguments(peer), done));
    this.smallRoomBytes = peer.smallBytes - ownHeaderBytes;
    this.largeRoomBytes = peer.largeBytes - ownHeaderBytes;
  }

  send(token: number, head: Uint8Array, chunks: readonly Uint8Array[]): void {
    if (this.#underWay.has(token)) throw new RangeError('token must not be one that is under way');
    this.#open.send(token, head, chunks);
    this.#underWay.set(token, chunks);
  }

  retain(block: number): void {
    this.#open.retain(block);
  }

  release(block: number): void {
    this.#handle?.release(block);
  }

  region(bytes: number): Promise<ArrayBuffer> {
    return called((done) => this.#open.region(bytes, done));
  }

  stats(): FabricStats {
    return this.#lastStats ?? this.#open.stats();
  }

  keepAlive(alive: boolean): void {
    this.#handle?.keepAlive(alive);
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    const handle = this.#open;
    await this.#end(handle);
    // Megabytes and descriptors, which are not to wait until nobody refers to an endpoint that is of no more use.
    this.#failure ??= handle.failure();
    this.#lastStats = handle.stats();
    this.#handle = undefined;
    this.smallMemory = new ArrayBuffer(0);
    this.largeMemory = new ArrayBuffer(0);
  }

  get #open(): AddonFabricEndpoint {
    if (this.#handle) return this.#handle;
    throw Object.assign(new Error('EBADF: the endpoint is closed'), { code: 'EBADF' });
  }

  #end(handle: AddonFabricEndpoint): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#abandon(handle);
        resolve();
      }, fabricDefaults.closeTimeoutMs);
      handle.close(() => {
        clearTimeout(late);
        resolve();
      });
    });
  }

  /** Its thread hangs in the provider. What it was to send is its for good, whatever the caller is told. */
  #abandon(handle: AddonFabricEndpoint): void {
    handle.abandon();
    const tokens = [...this.#underWay.keys()];
    abandoned.push([...this.#underWay.values()]);
    for (let from = 0; from < tokens.length; from += maxEvents) {
      const batch = tokens.slice(from, from + maxEvents);
      batch.forEach((token, index) => {
        this.#events.set([fabricEvent.sent, token, 0, 0], index * eventNumbers);
      });
      this.#onEvents(batch.length);
    }
  }
}
