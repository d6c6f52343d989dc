import { FairSharesCore } from '../../src/relay/fair-shares-core.js';
import { FluidShares } from './fluid-shares.js';

/** What a peer brings: all that it may (`greedy`), or so many bytes at once every so many milliseconds. */
export interface Traffic {
  readonly bytes: number;
  readonly everyMs: number;
}
export const greedy: Traffic = { bytes: Infinity, everyMs: 1 };

export interface SimPeer {
  readonly name: string;
  readonly weight: number | undefined;
  readonly traffic: Traffic;
  readonly chunkBytes: number;
  readonly since: number;
  backlog: number;
  served: number;
  isHeld: boolean;
  /** Told to wait since, and the longest of such waits. */
  heldAt: number;
  longestHoldMs: number;
}

export interface SharesWorldOptions {
  /** What the event loop could forward. */
  readonly loopBytesPerMs: number;
  readonly capacityBytesPerSecond?: number;
  readonly strangersWeight?: number;
  readonly tickMs?: number;
}

/** A relay's event loop that forwards for many peers in virtual time, each of those that may go on in turn. */
export class SharesWorld {
  readonly core: FairSharesCore;
  readonly peers = new Map<string, SimPeer>();
  now = 0;
  /** What the loop does besides, in parts of one. */
  otherLoad = 0;
  /** Whether it does more of that with whatever time is left, as under a flood. */
  isFlooded = false;
  /** Times that somebody was held. */
  holds = 0;
  readonly #options: SharesWorldOptions;
  readonly #fluid: FluidShares;
  readonly #tickMs: number;
  #turn: SimPeer[] = [];
  #budget = 0;
  #busyMs = 0;
  #stepBytes = 0;

  constructor(options: SharesWorldOptions) {
    const { capacityBytesPerSecond, strangersWeight = 1, tickMs = 10 } = options;
    this.#options = options;
    this.#tickMs = tickMs;
    this.core = new FairSharesCore({ capacityBytesPerSecond, strangersWeight });
    this.#fluid = new FluidShares(strangersWeight);
  }

  /** What there is to share, a second. */
  get capacity(): number {
    const { loopBytesPerMs, capacityBytesPerSecond = Infinity } = this.#options;
    return Math.min(loopBytesPerMs * (1 - this.otherLoad) * 1000, capacityBytesPerSecond);
  }

  /** What peers bring in the long run, greedy ones without an end. */
  get bytesPerMs(): number {
    return [...this.peers.values()].reduce((sum, { traffic }) => sum + traffic.bytes / traffic.everyMs, 0);
  }

  /** What has come and was not forwarded. */
  get backlog(): number {
    return [...this.peers.values()].reduce((sum, { backlog }) => sum + backlog, 0);
  }

  join(name: string, weight: number | undefined, traffic: Traffic, chunkBytes = 16 * 1024): void {
    const peer = { name, weight, traffic, chunkBytes, since: this.now, backlog: 0, served: 0 };
    this.peers.set(name, { ...peer, isHeld: false, heldAt: 0, longestHoldMs: 0 });
    this.core.enter(name, weight);
    this.#fluid.enter(name, weight);
  }

  leave(name: string): void {
    this.peers.delete(name);
    this.core.leave(name);
    this.#fluid.leave(name);
  }

  run(ms: number): void {
    for (let step = 0; step < ms; step++) this.#step();
  }

  /** What each peer was served since the last call, and what it should have had of all that; from here on the ideal has as much to do. */
  take(): Map<string, { readonly actual: number; readonly ideal: number }> {
    const ideal = this.#fluid.take();
    const taken = new Map(
      [...this.peers].map(([name, { served }]) => [name, { actual: served, ideal: ideal.get(name) ?? 0 }]),
    );
    for (const peer of this.peers.values()) {
      peer.served = 0;
      this.#fluid.setBacklog(peer.name, peer.backlog);
    }
    return taken;
  }

  #step(): void {
    this.now++;
    for (const { name, traffic, since } of this.peers.values())
      if ((this.now - since) % traffic.everyMs === 0) this.#arrive(name, traffic.bytes);
    this.#busyMs += this.otherLoad + (1 - this.otherLoad) * this.#forward();
    this.#fluid.serve(this.#stepBytes);
    if (this.now % this.#tickMs !== 0) return;
    const released = this.core.handleTick(this.now, this.isFlooded ? 1 : this.#busyMs / this.#tickMs);
    this.#busyMs = 0;
    for (const name of released) {
      const peer = this.peers.get(name);
      if (!peer?.isHeld) throw new Error(`${name} may go on, and was not held`);
      peer.isHeld = false;
      peer.longestHoldMs = Math.max(peer.longestHoldMs, this.now - peer.heldAt);
    }
  }

  #arrive(name: string, bytes: number): void {
    const peer = this.peers.get(name);
    if (peer) peer.backlog += bytes;
    this.#fluid.arrive(name, bytes);
  }

  /** One millisecond of the loop; which part of it was busy. */
  #forward(): number {
    const whole = this.#options.loopBytesPerMs * (1 - this.otherLoad);
    // The last chunk of a millisecond may take a part of the next.
    this.#budget += whole;
    const before = this.#budget;
    this.#stepBytes = 0;
    while (this.#budget > 0) {
      const peer = this.#next();
      if (!peer) break;
      const bytes = Math.min(peer.chunkBytes, peer.backlog);
      peer.backlog -= bytes;
      peer.served += bytes;
      this.#budget -= bytes;
      this.#stepBytes += bytes;
      this.core.handleForwarded(peer.name, bytes);
    }
    const idle = Math.max(0, this.#budget);
    this.#budget -= idle;
    return before <= 0 ? 1 : 1 - idle / whole;
  }

  /** As epoll does it: everybody who has something and may be read gets a turn, then all again. */
  #next(): SimPeer | undefined {
    for (let rounds = 0; rounds < 2; rounds++) {
      for (let peer = this.#turn.pop(); peer; peer = this.#turn.pop()) {
        if (this.peers.get(peer.name) !== peer || peer.isHeld || peer.backlog <= 0) continue;
        if (this.core.mayRead(peer.name)) return peer;
        peer.isHeld = true;
        peer.heldAt = this.now;
        this.holds++;
      }
      this.#turn = [...this.peers.values()].reverse();
    }
    return undefined;
  }
}
