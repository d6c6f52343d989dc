import type { AddonFabricLoop, FabricAddon, FabricOpened } from './fabric-addon.js';
import type { FabricLoop, FabricLoopOptions, FabricPeer, FabricRun, FabricRunResult } from './fabric-api.js';
import { called, optionArguments, peerArguments } from './fabric-calls.js';

export async function openLoop(addon: FabricAddon, options: FabricLoopOptions): Promise<FabricLoop> {
  let handle: AddonFabricLoop | undefined;
  const opened = await called<Pick<FabricOpened, 'address' | 'tag'>>((done) => {
    handle = new addon.FabricLoop(...optionArguments(options), done);
  });
  return new NativeFabricLoop(handle as AddonFabricLoop, opened, options.largeBytes);
}

const ownHeaderBytes = 16;

class NativeFabricLoop implements FabricLoop {
  readonly address: Uint8Array;
  readonly tag: bigint;
  readonly #handle: AddonFabricLoop;
  #mostBytes: number;
  /** The addon does one thing at a time. Never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(
    handle: AddonFabricLoop,
    { address, tag }: Pick<FabricOpened, 'address' | 'tag'>,
    largeBytes: number,
  ) {
    this.#handle = handle;
    this.address = address;
    this.tag = tag;
    this.#mostBytes = largeBytes - ownHeaderBytes;
  }

  connect(peer: FabricPeer): Promise<void> {
    this.#mostBytes = Math.min(this.#mostBytes, peer.largeBytes - ownHeaderBytes);
    return this.#next(() => called((done) => this.#handle.connect(...peerArguments(peer), done)));
  }

  run({ kind, isClient, bytes, iterations, warmUp = 0 }: FabricRun): Promise<FabricRunResult> {
    if (bytes > this.#mostBytes)
      return Promise.reject(new RangeError(`bytes must be at most ${this.#mostBytes}`));
    const isPingPong = kind === 'ping-pong';
    return this.#next(() =>
      called((done) => this.#handle.run(isPingPong, isClient, bytes, iterations, warmUp, done)),
    );
  }

  close(): Promise<void> {
    this.#handle.cancel();
    return (this.#closed ??= this.#next(() => called((done) => this.#handle.close(done))));
  }

  #next<Result>(call: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(call);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
