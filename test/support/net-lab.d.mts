import type { BothDirections, LinkEnd, LinkOptions, LinkStatistics } from './link-emulator.mjs';

export type LabProtocol = 'tcp' | 'udp';

/** What a firewall on the way lets through no longer, in both directions, connections that are there included. */
export interface Block {
  /** Default: both. */
  readonly protocol?: LabProtocol;
  /** Of one of the two sides. Default: any. */
  readonly port?: number;
  /** All but what has this port on one of its two sides. */
  readonly exceptPort?: number;
  /** Answered by a reset or by ICMP instead of by silence. Default: false. */
  readonly reject?: boolean;
}

export interface LabOptions extends LinkOptions {
  /**
   * `veth`: the kernel's own wire, as fast as loopback; rate, delay, loss and whatever else changes a link have no effect
   * then. Default: `emulated`.
   */
  readonly wire?: 'emulated' | 'veth';
}

export interface NetLab {
  readonly client: LinkEnd;
  readonly server: LinkEnd;
  /** These and no others from now on; none: everything passes. */
  block(...blocks: readonly Block[]): Promise<void>;
  /** Bits a second of each direction, with 50 ms of queue; a protocol that is not named is not throttled any more. */
  throttle(rates: Readonly<Partial<Record<LabProtocol, number>>>): Promise<void>;
  /** Of an emulated wire: only what is given changes, at once. */
  change(parameters: BothDirections): Promise<void>;
  /** Of an emulated wire. */
  statistics(): Promise<LinkStatistics>;
  /** Kills what runs in both namespaces; they are gone then. */
  close(): Promise<void>;
}

/** Why this machine has no net lab, or undefined where it has. */
export function labMissing(): string | undefined;

/**
 * Two network namespaces of nobody else's, joined by a link with a firewall and a shaper. Both are gone, with all that runs
 * in them, at `close()` and when this process ends, however it ends. Nothing in there reaches anything outside.
 */
export function openLab(options?: LabOptions): Promise<NetLab>;
