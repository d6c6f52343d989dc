import type { XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import type { Session } from '../session/session.js';
import type { Bottleneck } from './bottleneck.js';
import type { LaneLoad } from './scheduler-core.js';
import type { CompressMode } from './compress-core.js';
import type { DirectFiles } from './direct-files.js';
import type { GroupSeat } from './group-content.js';
import type { SourceEntry } from './source-entry.js';
import type { SourceToken } from './source-token.js';

/** How fast to send; undefined for no limit. */
export interface SendLimit {
  readonly bytesPerSecond: number | undefined;
  /** What it returns ends the calls. */
  onChange(listener: () => void): () => void;
}

export interface SendProgress {
  /** Content that the receiver has. */
  readonly bytes: number;
  readonly total: number;
  /** Content handed to the network, copies included. */
  readonly sent: number;
  readonly files: number;
}

/** The place of one transfer among several that send the same. */
export interface SendGroup {
  /** Nothing is sent before it is known whether there is one. Never rejects. */
  readonly seat: Promise<GroupSeat | undefined>;
  /** The receiver listens. */
  onJoined(): void;
  /** From now on it sends by itself; the reason is for people. Without one it was in no group. */
  onAlone(reason?: string): void;
}

export interface SendTransferOptions {
  readonly session: Session;
  readonly native: NativeApi;
  readonly batches: AsyncIterable<readonly SourceEntry[]>;
  /** What `batches` will give, to be looked through before where the receiver takes small files only. Default: it is not. */
  preview?(): AsyncIterable<readonly SourceEntry[]>;
  /** 16 bytes, the same whenever the same paths are sent: what a receiver finds an earlier try by. */
  readonly key: Uint8Array;
  /** There was an earlier try: nothing is sent before the receiver has said what it has. */
  readonly resume: boolean;
  /** What of `updateMode` becomes of files that are there already. Default: they are sent. */
  readonly update?: number | undefined;
  /** Whether the receiver is to delete what stands in the directories and was not offered. Default: false. */
  readonly remove?: boolean | undefined;
  /** Asked at the end: what could not be read here may well be there, then nothing goes. Default: false. */
  mayRemove?(): boolean;
  readonly tokenOf: SourceToken;
  readonly limit?: SendLimit | undefined;
  /** Default: off. */
  readonly compress?: CompressMode | undefined;
  /** Files are read past the page cache, as far as it can be. Default: through it. */
  readonly direct?: DirectFiles | undefined;
  /** What goes to several receivers at once; of a transfer that begins anew and compares nothing. Default: none. */
  readonly group?: SendGroup | undefined;
  /** Files of at most so many bytes go in packs, where the receiver agrees. Default: sessionDefaults. */
  readonly packedFileBytes?: number | undefined;
  /** Number of the first record: that behind the last one of the transfers that this session has had. Default: 0. */
  readonly firstRecord?: number | undefined;
  /** The session is left as it is when the receiver has committed, so that another transfer may begin. Default: false. */
  readonly keepsSession?: boolean | undefined;
  readonly signal: AbortSignal;
  /** Called whenever a number changed; the caller thins it out. */
  onProgress(progress: SendProgress): void;
  /** Something was not sent or not made; the rest goes on. */
  onProblem(error: XferError): void;
  onCommitting(): void;
}

export interface SendSummary {
  readonly files: number;
  readonly bytes: number;
  readonly bottleneck: Bottleneck;
  /** Content that came on each lane, in bytes of records. */
  readonly carried: ReadonlyMap<number, number>;
  /** Number of the first record of another transfer on the session. */
  readonly nextRecord: number;
}

/** How a transfer gets on: what decides how many lanes help, and over what. */
export interface MeasuredTransfer {
  /** Content that was acknowledged until now. */
  readonly receivedBytes: number;
  /** Content that is known of and was not acknowledged. */
  readonly remainingBytes: number;
  /** How long was waited for the network until now. */
  readonly networkMs: number;
  /** By the number of the lane. */
  readonly loads: ReadonlyMap<number, LaneLoad>;
}
