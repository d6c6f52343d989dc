import type { PathCounters, Retain } from '../transport/contract.js';

/** Content of one stream on its way out. */
export interface Content {
  readonly streamId: number;
  /** Of its first byte in the stream. */
  readonly offset: number;
  readonly bytes: number;
  /** In order; they stay unchanged until `done`. Empty where only the end is told. */
  readonly chunks: readonly Uint8Array[];
  /** The stream's content ends here. */
  readonly fin: boolean;
  /** The other side has all of it, or never will: called exactly once. */
  done(): void;
}

/** How much content of a stream may come: so many bytes in all, or it was not opened yet, or it is over and content is nothing to anybody. */
export type ContentLimit = number | 'unopened' | 'over';

/**
 * A link that brings each stream's content by itself, reliably and in order, so that what is lost of one stalls no other.
 * All other frames go beside it as one ordered byte stream, control, that content neither waits for nor overtakes: a
 * stream's content may come before its OPEN. Handlers are set once, before the first byte may arrive.
 */
export interface StreamsLink {
  /** There may be something to pull: the link asks when it can send. */
  ready(): void;
  /** Frames but STREAM_DATA with content, whole ones, of about `maxBytes`; undefined: none. Taken over: nobody changes them. */
  onPullControl(handler: (maxBytes: number) => Uint8Array | undefined): void;
  /**
   * Content of at most `maxBytes`; undefined: none. Where `aloneBytes` is given, each send of the stream's user that is at
   * least so long is content by itself, and shorter ones are joined until they are. What of a send does not fit into
   * `maxBytes` or the stream's credit comes with a later call.
   */
  onPullContent(handler: (maxBytes: number, aloneBytes?: number) => Content | undefined): void;
  /** The bytes live until the handler returns. */
  onControl(handler: (bytes: Uint8Array) => void): void;
  /**
   * In order for each stream, never past `onLimit`; the bytes live until the handler returns, or as long as whoever reads
   * them at once keeps them by `retain`, where it is given: past the end of the stream and the link as well.
   */
  onContent(handler: (streamId: number, bytes: Uint8Array, fin: boolean, retain?: Retain) => void): void;
  onLimit(handler: (streamId: number) => ContentLimit): void;
  /**
   * The stream is over on this side: nothing of it is sent (again) or given out, and every `done` is called soon. Called
   * for every stream at its end, orderly or not, also from within any handler and `done`.
   */
  forget(streamId: number): void;
  /** A stream that was 'unopened' no longer is: what was held of it is given out, if it is not 'over' already. */
  opened(streamId: number): void;
  /** The other side ended orderly: all that was pulled there before has been given out, no more will come. */
  onEnd(handler: () => void): void;
  /** The link broke; nothing follows but every `done`, soon. */
  onError(handler: (error: Error) => void): void;
  /**
   * For a link that is there before it carries anything but the first control: called when it begins to. Until then the
   * other side cannot be late. A link that carries at once leaves it out.
   */
  onBegin?(handler: () => void): void;
  /** Ends our direction behind all that was pulled. The other side's `onEnd` ends the link. */
  close(): void;
  /** Ends both directions at once; every `done` is called soon, no other handler is. */
  abort(): void;
  stats(): StreamsLinkStats;
}

export interface StreamsLinkStats extends PathCounters {
  /** 0 where the link cannot tell, or not so exactly: then mux's own keepalives do. */
  readonly minRttMs: number;
  readonly rttMs: number;
  /** Packets found to be lost. */
  readonly lost: number;
  readonly inFlightBytes: number;
  /** Pulled and not sent yet. */
  readonly unsentBytes: number;
  /** Bytes a second. */
  readonly deliveryRate: number;
}
