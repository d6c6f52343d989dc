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
  let handle: AddonFabricEndpoint | undefined;
  const opened = await called<FabricOpened>((done) => {
    handle = new addon.FabricEndpoint(...optionArguments(options), events, onEvents, done);
  });
  return new NativeFabricEndpoint(handle as AddonFabricEndpoint, opened, underWay, events, onEvents);
}

class NativeFabricEndpoint implements FabricEndpoint {
  readonly address: Uint8Array;
  readonly tag: bigint;
  readonly features: FabricFeatures;
  readonly smallMemory: ArrayBuffer;
  readonly largeMemory: ArrayBuffer;
  smallRoomBytes = 0;
  largeRoomBytes = 0;
  readonly #handle: AddonFabricEndpoint;
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
    return (this.#failure ??= this.#handle.failure());
  }

  get smallRoom(): number {
    return this.#handle.smallRoom();
  }

  get largeRoom(): number {
    return this.#handle.largeRoom();
  }

  async connect(peer: FabricPeer): Promise<void> {
    await called((done) => this.#handle.connect(...peerArguments(peer), done));
    this.smallRoomBytes = peer.smallBytes - ownHeaderBytes;
    this.largeRoomBytes = peer.largeBytes - ownHeaderBytes;
  }

  send(token: number, head: Uint8Array, chunks: readonly Uint8Array[]): void {
    if (this.#underWay.has(token)) throw new RangeError('token must not be one that is under way');
    this.#handle.send(token, head, chunks);
    this.#underWay.set(token, chunks);
  }

  retain(block: number): void {
    this.#handle.retain(block);
  }

  release(block: number): void {
    this.#handle.release(block);
  }

  region(bytes: number): Promise<ArrayBuffer> {
    return called((done) => this.#handle.region(bytes, done));
  }

  stats(): FabricStats {
    return this.#handle.stats();
  }

  keepAlive(alive: boolean): void {
    this.#handle.keepAlive(alive);
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  #close(): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#abandon();
        resolve();
      }, fabricDefaults.closeTimeoutMs);
      this.#handle.close(() => {
        clearTimeout(late);
        resolve();
      });
    });
  }

  /** Its thread hangs in the provider. What it was to send is its for good, whatever the caller is told. */
  #abandon(): void {
    this.#handle.abandon();
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
