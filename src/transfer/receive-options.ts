import type { NativeApi } from '../native/api.js';
import type { Session } from '../session/session.js';
import type { Bottleneck } from './bottleneck.js';
import type { Parcel } from './messages.js';
import type { ReceivePolicy } from './receive-policy.js';

export interface ReceiveProgress {
  readonly bytes: number;
  readonly total: number;
  readonly files: number;
}

export interface ReceiveTransferOptions {
  readonly session: Session;
  readonly native: NativeApi;
  /** Held directory below which everything is written. */
  readonly root: number;
  readonly signal: AbortSignal;
  readonly policy?: ReceivePolicy;
  /** Number of the first record: that behind the last one of the transfers that this session has had. Default: 0. */
  readonly firstRecord?: number;
  /** Nothing is done before this has settled. Default: at once. */
  readonly after?: Promise<unknown>;
  /**
   * The session goes on: called in the turn in which the sender has acknowledged the commit, with the number of the next
   * transfer's first record. That transfer is to be run in the same turn, or what it says is lost. Default: the session ends.
   */
  onAnother?(firstRecord: number): void;
  /** Whether small files leave nothing there when this process is killed: `writesUnnamed`. Default: false. */
  readonly isUnnamed?: boolean;
  /** Files are written past the page cache, as far as it can be. Default: false. */
  readonly isDirect?: boolean;
  /** Called with the transfer's key before anything is written; throws or rejects where it may not begin. */
  onBegin?(key: Uint8Array): Promise<void>;
  /**
   * A file came by itself before a transfer has begun. Resolves with what is to be told once the sender has heard that it was taken;
   * undefined: it was not. Default: that is a breach.
   */
  onParcel?(parcel: Parcel): Promise<(() => void) | undefined>;
  onProgress(progress: ReceiveProgress): void;
  /** A link was left out, or a file could not be sent. */
  onNote(message: string): void;
  onCommitting(): void;
}

export interface ReceiveSummary {
  readonly files: number;
  readonly bytes: number;
  readonly bottleneck: Bottleneck;
  /** Content that came on each lane, in bytes of records. */
  readonly carried: ReadonlyMap<number, number>;
}
