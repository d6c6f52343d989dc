import { createRequire } from 'node:module';
import type { Addon } from './addon.js';
import type { FabricFeatures, FabricProvider, FabricRunResult, FabricStats } from './fabric-api.js';

/** What native/build/Release/xfer_fabric.node exports. Wrong arguments throw TypeError or RangeError. */
export interface FabricAddon {
  readonly version: string;
  providers(done: Done<FabricProvider[]>): void;
  /** Where the bytes lie in memory, for tests. */
  addressOf(bytes: Uint8Array): bigint;
  /**
   * `faults` are four pairs (registration, send, completion, receive): of the how-manieth, 0 for none, and the errno. `onEvents` is told how many
   * events stand in `events`, which is the endpoint's until it is closed. `done` is called once it is open, or cannot be.
   */
  readonly FabricEndpoint: new (
    provider: string,
    /** The empty text: libfabric's choice. */
    host: string,
    smallBytes: number,
    smallCount: number,
    largeBytes: number,
    largeCount: number,
    largeLeadBytes: number,
    faults: Float64Array,
    events: Float64Array,
    onEvents: (count: number) => void,
    done: Done<FabricOpened>,
  ) => AddonFabricEndpoint;
  /** What runs for long has a thread of its own. One call at a time: the next when the last is done. */
  readonly FabricLoop: new (
    provider: string,
    host: string,
    smallBytes: number,
    smallCount: number,
    largeBytes: number,
    largeCount: number,
    largeLeadBytes: number,
    faults: Float64Array,
    done: Done<Pick<FabricOpened, 'address' | 'tag'>>,
  ) => AddonFabricLoop;
}

export type Done<Value = undefined> = (error: NodeJS.ErrnoException | null, value: Value) => void;

export interface FabricOpened {
  readonly address: Uint8Array;
  readonly tag: bigint;
  readonly features: FabricFeatures;
  readonly smallMemory: ArrayBuffer;
  readonly largeMemory: ArrayBuffer;
}

/** Every `done` is called once, in the order of the calls, unless the endpoint is abandoned. After `close` the calls throw EBADF. */
export interface AddonFabricEndpoint {
  connect(
    address: Uint8Array,
    tag: bigint,
    smallCount: number,
    largeCount: number,
    smallBytes: number,
    largeBytes: number,
    done: Done,
  ): void;
  /** The memory of `pieces` is read until the event `sent`, and must not go before. Throws RangeError where there is no room. */
  send(token: number, head: Uint8Array, pieces: readonly Uint8Array[]): void;
  retain(block: number): void;
  release(block: number): void;
  region(bytes: number, done: Done<ArrayBuffer>): void;
  smallRoom(): number;
  largeRoom(): number;
  stats(): FabricStats;
  failure(): Error | undefined;
  keepAlive(alive: boolean): void;
  /** From here on there are no events but `sent`, for all that is under way, before `done`. */
  close(done: Done): void;
  /** Leaves its thread to itself: nothing is called any more. */
  abandon(): void;
}

export interface AddonFabricLoop {
  connect(
    address: Uint8Array,
    tag: bigint,
    smallCount: number,
    largeCount: number,
    smallBytes: number,
    largeBytes: number,
    done: Done,
  ): void;
  run(
    isPingPong: boolean,
    isClient: boolean,
    bytes: number,
    iterations: number,
    warmUp: number,
    done: Done<FabricRunResult>,
  ): void;
  cancel(): void;
  close(done: Done): void;
}

/** Numbers of an event, and events that one hand-over has at most; native/fabric-handle.h has them, too. */
export const eventNumbers = 4;
export const maxEvents = 256;

/**
 * Libraries that some builds of libfabric bring along (psm, psm2) take the place of handlers of signals when they are loaded, and a
 * process that is terminated would then leave by `exit(1)`; these tell them not to.
 */
const withoutHandlers = ['IPATH_NO_BACKTRACE', 'HFI_NO_BACKTRACE'];

/** The path is the same from src and dist. */
const addonFile = '../../native/build/Release/xfer_fabric.node';

/** Loads the addon; throws where it was not built or its libfabric is gone. */
export function loadFabricAddon(): FabricAddon {
  const restore = quiet();
  try {
    return createRequire(import.meta.url)(addonFile) as FabricAddon;
  } finally {
    restore();
  }
}

/**
 * Has the addon and its libraries loaded on the pool, so that `loadFabricAddon` takes no time: psm and psm2 sleep for 100 ms
 * each while they are. What keeps it from loading `loadFabricAddon` says.
 */
export async function preloadFabricAddon(addon: Pick<Addon, 'loadLibrary'>): Promise<void> {
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve(addonFile);
  } catch {
    return;
  }
  const restore = quiet();
  await new Promise<void>((resolve) => addon.loadLibrary(path, () => resolve()));
  restore();
}

/** Until what it gives is called, nobody who is loaded takes handlers away. */
function quiet(): () => void {
  const added = withoutHandlers.filter((name) => process.env[name] === undefined);
  for (const name of added) process.env[name] = '1';
  return () => {
    for (const name of added) Reflect.deleteProperty(process.env, name);
  };
}
