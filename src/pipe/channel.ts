import type { XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import type { Session } from '../session/session.js';
import type { CompressMode } from '../transfer/compress-core.js';
import type { MeasuredTransfer, SendLimit } from '../transfer/send-options.js';

/**
 * How the content of a channel is to be cut, wherever it is: `bytes` anywhere, `lines` behind a newline, `len32` behind a
 * frame. A frame is a u32, big-endian, and as many bytes; its top bit says that the next frame is another part of the same
 * message. A message has 100 MiB at most, all parts together.
 */
export type Framing = 'bytes' | 'lines' | 'len32';

/** Which way content of a channel goes: `up` from the session's dialer to its listener, `down` back. */
export type Direction = 'up' | 'down';

/** A piece of content, plain. */
export interface Block {
  /** Stands still until `release`. 1 MiB at most. */
  readonly bytes: Uint8Array;
  /** To be called once, by whoever has the block, when it is not needed any more. */
  release(): void;
}

/** The half of a channel that content goes into. */
export interface PipeWriter {
  /** Takes the block in any case, and releases it once the other side has it, or nothing more goes. False: full. */
  write(block: Block): boolean;
  /** Resolves when there is room for more, or when nothing more goes. */
  drained(): Promise<void>;
  /** All was written. With `error` it was to be more: the other side gets it, and the error behind it, with which `done` rejects. */
  finish(error?: XferError): void;
  /** What was written is not all, and need not arrive. */
  reset(error: XferError): void;
  /**
   * Resolves when the other side has delivered all to where it goes. Rejects, as soon as nothing more goes, with
   * ERR_XFER_BROKEN_PIPE where the reader has gone, or another XferError: of the endpoint over there, or of the session.
   */
  readonly done: Promise<void>;
  /** Written, and not known to be at the other side. */
  readonly heldBytes: number;
  /** The most of that; past it `write` says full. */
  readonly windowBytes: number;
  /** Grows whenever the other side has taken something: into its memory, or out of it, of which it tells now and then. */
  readonly takenBytes: number;
  /** There is no connection just now, and may be again. */
  readonly isDetached: boolean;
}

/** The half of a channel that content comes out of. */
export interface PipeReader {
  /**
   * The next content, in order; undefined at its end. Rejects with an XferError where what came is not all. One call at a time.
   * Only what was released makes room for more.
   */
  read(): Promise<Block | undefined>;
  /** To be called behind the end, when all has gone where it goes: only then the other side is done. */
  delivered(): void;
  /** Nothing more is wanted: the other side's `done` rejects with this. */
  stop(error: XferError): void;
  /** Arrived, and not released. */
  readonly heldBytes: number;
  readonly windowBytes: number;
}

/** A stream of content in a session, one way or both. */
export interface Channel {
  readonly id: number;
  /** Where content goes from here to the other side; how it is cut is what that side was told. */
  readonly writer?: PipeWriter;
  readonly reader?: PipeReader;
  /** How what the reader gives is cut: known when the channel is `opened`, which is before its content. */
  readonly framing: Framing;
  /** Resolves when the other side has said that the channel is there, or when it is over. */
  readonly opened: Promise<void>;
  /** What the dialer calls it: of a pipe into a file its name. */
  readonly name?: string;
}

/** What a dialer wants of a new channel. */
export interface ChannelRequest {
  /** Content goes up, cut so. */
  readonly up?: Framing;
  /** Content comes down; how it is cut is the listener's choice. */
  readonly down?: boolean;
  readonly name?: string;
}

/** A channel that the other side asks for. Content may be there already. */
export interface IncomingChannel {
  readonly id: number;
  readonly request: ChannelRequest;
  /** `down`: how what goes down is cut, where content is to come down. */
  accept(down?: Framing): Channel;
  /** What it would be joined to is not there. */
  refuse(error: XferError): void;
}

/** All channels of a session. Made by `pipeSession` of `pipe-session.ts`. */
export interface PipeSession {
  /**
   * Of the dialer: returns at once, and content may be written at once; what the other side says shows in the halves. Throws
   * ERR_XFER_LIMIT where there are as many channels as a session has, or the error that the session has ended with.
   */
  open(request: ChannelRequest): Channel;
  /** Of the dialer: there will be no more channels; resolves when those that there are have ended, and the session in order. */
  end(): Promise<void>;
  /** Ends all at once, and tells the other side why. */
  abort(error: XferError): void;
  /** Settles, once, with the end of the session: rejects with an XferError unless it was in order. */
  readonly over: Promise<void>;
  /** Channels that there ever were. */
  readonly channelCount: number;
  /** What decides about lanes. */
  readonly measured: MeasuredTransfer;
  /** Content that came on, or went by, each lane: by its number, in bytes. */
  readonly carried: ReadonlyMap<number, number>;
  handleSuspect(lane: number, isSuspect: boolean): void;
  handleRest(lane: number, isResting: boolean): void;
  /** The least that the lane's path takes, in milliseconds. */
  handleRoundTrip(lane: number, ms: number): void;
}

export interface PipeSessionOptions {
  /** Just established, with nothing attached to it. */
  readonly session: Session;
  readonly role: 'dialer' | 'listener';
  readonly native: NativeApi;
  /** Of each channel, each way. Default: pipeDefaults. */
  readonly windowBytes?: number;
  readonly compress: CompressMode;
  /** How fast to send. Default: as fast as it goes. */
  readonly limit?: SendLimit;
  /** Of the listener; it must accept or refuse, at once or later. */
  onChannel?(channel: IncomingChannel): void;
  /** A number changed. */
  onProgress?(): void;
}
