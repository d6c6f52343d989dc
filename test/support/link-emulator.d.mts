import type { ChildProcess, SpawnOptions } from 'node:child_process';

/** What one direction of a link does to IP packets; all sizes are theirs, headers included. */
export interface LinkParameters {
  /** Default: 0, no limit, so nothing waits. */
  readonly rateBitsPerSecond?: number;
  /** Of one way. Default: 0. */
  readonly delayMs?: number;
  /** Chance of each packet to be lost on the wire, after it took its time there. Default: 0. */
  readonly loss?: number;
  /** Losses in a row: chance of a packet to begin one, and how many packets it lasts on average. Default: none. */
  readonly burst?: { readonly startChance: number; readonly meanPackets: number };
  /** What may wait for the wire; the newest is dropped past it. Default: rate × both delays, at least 30 kB. */
  readonly queueBytes?: number;
  /** The delay is up to so much longer. Default: 0. */
  readonly jitterMs?: number;
  /** Jitter may bring packets out of order. Default: false. */
  readonly reordering?: boolean;
  /** Larger packets vanish, as where a path has a smaller MTU and tells nobody. Default: none do. */
  readonly dropAboveBytes?: number;
  /** What is sent vanishes; what is under way arrives. Default: false. */
  readonly down?: boolean;
  /** The time with more than this in the queue is counted. Default: 0. */
  readonly markBytes?: number;
}

/** Of both directions, and what is different in one. */
export interface BothDirections extends LinkParameters {
  readonly toServer?: LinkParameters;
  readonly toClient?: LinkParameters;
}

export interface LinkOptions extends BothDirections {
  /** Of both devices. Default: 1500. */
  readonly mtu?: number;
  /** The same packets of a direction, by their order, are lost with the same seed. Default: 1. */
  readonly seed?: number;
}

/** What one direction did since the last `resetStatistics`. Times are those of CLOCK_MONOTONIC. */
export interface DirectionStatistics {
  readonly arrivedPackets: number;
  readonly arrivedBytes: number;
  readonly deliveredPackets: number;
  readonly deliveredBytes: number;
  readonly lostPackets: number;
  readonly lostBytes: number;
  /** Dropped since the queue was full. */
  readonly overrunPackets: number;
  readonly overrunBytes: number;
  readonly downPackets: number;
  readonly downBytes: number;
  readonly oversizedPackets: number;
  readonly oversizedBytes: number;
  /** Of the delivered: the device at the end did not take them. */
  readonly undeliveredPackets: number;
  /** Now. */
  readonly queueBytes: number;
  readonly queueHighWaterBytes: number;
  /** With more than `markBytes` in the queue: together, and the longest time without a break. */
  readonly aboveMarkMs: number;
  readonly longestAboveMarkMs: number;
  /** 0 where nothing was dropped by the queue. */
  readonly firstOverrunMs: number;
  readonly lastOverrunMs: number;
  /** Delivered, by IP protocol number and destination port; one of port 0 for what has none. */
  readonly flows: readonly {
    readonly protocol: number;
    readonly port: number;
    readonly packets: number;
    readonly bytes: number;
  }[];
}

export interface LinkStatistics {
  /** When this was so. */
  readonly atMs: number;
  readonly toServer: DirectionStatistics;
  readonly toClient: DirectionStatistics;
}

/** A network namespace at one end of the link. TCP is cubic there, with buffers that do not limit it. */
export interface LinkEnd {
  readonly address: string;
  /** Undefined where the kernel has no IPv6. */
  readonly address6: string | undefined;
  /** A path that nsenter takes while the link is open. */
  readonly namespace: string;
  /** `[command, arguments]` for spawn, which runs another command in there. */
  command(program: string, args: readonly string[]): [string, string[]];
  spawn(program: string, args?: readonly string[], options?: SpawnOptions): ChildProcess;
  /** For connections from now on. Rejects where the kernel does not have it. */
  useTcp(algorithm: string): Promise<void>;
  /** Another IPv4 address from now on: the new one is added, then the old one removed. */
  moveTo(address: string): Promise<void>;
}

export interface EmulatedLink {
  readonly client: LinkEnd;
  readonly server: LinkEnd;
  /** Whether the emulator runs before others; without it, delays are what the machine's load lets them be. */
  readonly realTime: boolean;
  /** Only what is given changes; at once, also for what is in the queue. */
  change(parameters: BothDirections): Promise<void>;
  statistics(): Promise<LinkStatistics>;
  resetStatistics(): Promise<void>;
  /** Kills what runs in both namespaces; they are gone then. */
  close(): Promise<void>;
}

/** Why this machine cannot emulate a link, or undefined where it can. */
export function linkMissing(): string | undefined;

/**
 * Two network namespaces of nobody else's, joined by a link. Both are gone, with all that runs in them, at `close()` and
 * when this process ends, however it ends. Nothing in there reaches anything outside.
 */
export function openLink(options?: LinkOptions): Promise<EmulatedLink>;
