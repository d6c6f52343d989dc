import { performance } from 'node:perf_hooks';
import { relayDefaults } from '../config/index.js';
import { FairSharesCore } from './fair-shares-core.js';

export interface RelaySharesOptions {
  /** What all peers together may have forwarded. Default: as much as the event loop can. */
  readonly capacityBytesPerSecond?: number | undefined;
  readonly strangersWeight?: number | undefined;
}

/** Joins the fair shares to the clock and the event loop, while anything is forwarded. */
export class RelayShares {
  readonly #core: FairSharesCore;
  /** Those of each peer that are to be told when it may go on. */
  readonly #members = new Map<string, Set<() => void>>();
  #utilisation = performance.eventLoopUtilization();
  #timer: NodeJS.Timeout | undefined;
  #forwardedAt = 0;

  constructor({ capacityBytesPerSecond, strangersWeight }: RelaySharesOptions = {}) {
    this.#core = new FairSharesCore({
      capacityBytesPerSecond,
      ...(strangersWeight === undefined ? {} : { strangersWeight }),
    });
  }

  /** As much is forwarded as can be. */
  get isSaturated(): boolean {
    return this.#core.isSaturated;
  }

  /** A connection of the peer is there. The function is called when it is over; `weight`: undefined for strangers. */
  enter(peer: string, weight: number | undefined, onRelease: () => void): () => void {
    const members = this.#members.get(peer) ?? new Set();
    this.#members.set(peer, members);
    members.add(onRelease);
    this.#core.enter(peer, weight);
    return () => {
      members.delete(onRelease);
      if (members.size > 0) return;
      this.#members.delete(peer);
      this.#core.leave(peer);
    };
  }

  /** `bytes` of the peer were forwarded. False: it has had its share for now, and is told when it may go on. */
  handleForwarded(peer: string, bytes: number): boolean {
    this.#forwardedAt = performance.now();
    this.#timer ??= setInterval(() => this.#tick(), relayDefaults.shareTickMs).unref();
    this.#core.handleForwarded(peer, bytes);
    return this.#core.mayRead(peer);
  }

  /** The configuration was read again. */
  configure({ capacityBytesPerSecond, strangersWeight }: RelaySharesOptions): void {
    this.#core.setCapacity(capacityBytesPerSecond);
    this.#core.setStrangersWeight(strangersWeight ?? relayDefaults.strangersWeight);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const before = this.#utilisation;
    this.#utilisation = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(this.#utilisation, before);
    const now = performance.now();
    for (const peer of this.#core.handleTick(now, utilization))
      for (const release of this.#members.get(peer) ?? []) release();
    if (now - this.#forwardedAt > idleMs && this.#core.held === 0) this.close();
  }
}

/** Without anything to forward for so long, nobody needs a share. */
const idleMs = 1_000;
