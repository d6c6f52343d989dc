import type { XferError } from '../errors/index.js';
import type { Address } from '../transport/address.js';
import type { Connection } from '../transport/contract.js';

/** A connection, and at which address of the peer it was answered. */
export interface WayThere {
  readonly address: Address;
  readonly connection: Connection;
  /**
   * Whether anybody has answered on it. A connection that ends before that is no more than a way that does not lead there:
   * `dialFirst` has the next. It may be ended by the ways themselves, when another one answers. Default: true.
   */
  hasAnswered?(): boolean;
}

/** How a peer can be reached: over one transport or several, directly or, as one way alone, over relays. */
export interface Ways {
  /**
   * Over whichever answers first. So that nobody waits for the answer in vain, it may resolve with one that is only connected
   * (`hasAnswered`). What goes on behind it ends with the signal. Rejects with an XferError when none leads there.
   */
  dialFirst(signal: AbortSignal): Promise<WayThere>;
  /** Over this one. Rejects with an XferError. */
  dial(address: Address, signal: AbortSignal): Promise<Connection>;
  /**
   * All that may be tried beside a way that works: what was named or follows from the target, and of what the peer says it
   * listens on (`Hello.listens`, never trusted) what may be dialled. One address for each transport and port, 16 at most.
   */
  candidates(there: WayThere, listens: readonly string[]): readonly Address[];
  /**
   * Those of them that this machine has to be asked about first, which takes longer than a small transfer. Never rejects. Default: none.
   */
  lateCandidates?(there: WayThere, listens: readonly string[]): Promise<readonly LateWay[]>;
  /** What was tried beside a way that works does not lead there; that one goes on. */
  handleFailed?(address: Address, error: XferError): void;
}

/** A way that was found when the session was there already. */
export interface LateWay {
  readonly address: Address;
  /** Hardware moves the bytes: to try it takes next to no processor time from the others. */
  readonly isOffloaded: boolean;
}
