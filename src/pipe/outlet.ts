import type { XferError } from '../errors/index.js';
import type { SharedBlock } from './block-pool.js';

/** What a feed pours into, however many writers are behind it: `fan-out.ts`, `balancer.ts`. */
export interface Outlet {
  /** Takes over the block, whether there is room or not. */
  write(block: SharedBlock): void;
  /** False: the source is to pause until `room` resolves. */
  readonly hasRoom: boolean;
  /** Resolves when there is room, or when no writer is left. One call at a time. */
  room(): Promise<void>;
  /**
   * Nothing more comes. Resolves when all has been delivered; rejects with a writer's first error after the others are done. With
   * `failure` more was to come: it goes behind all that was written, and rejects when that has gone or cannot.
   */
  finish(failure?: XferError): Promise<void>;
  /** What was written is not all, and need not arrive. */
  reset(error: XferError): void;
}

export interface OutletOptions {
  /** One of several writers failed, or was reset for being too slow; any others go on. */
  onDropped?(index: number, error: XferError): void;
  /** The last writer failed; called once, with the first error of any. */
  onGone(error: XferError): void;
}
