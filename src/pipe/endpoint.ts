import type { XferError } from '../errors/index.js';
import type { ProbeResult } from '../transport/contract.js';

/** Endpoint plugins are refused unless they were made for this. */
export const endpointApiVersion = 1;

/** The longest message that any endpoint takes or gives, all its parts together, in bytes. */
export const maxMessageBytes = 100 * 1024 * 1024;

/** One message: its parts, at least one. Most have exactly one. */
export type Message = readonly Uint8Array[];

/** Where bytes come from. One `read` at a time. */
export interface ByteSource {
  readonly kind: 'bytes';
  /**
   * Reads what is there, as soon as anything is, into the beginning of `into`; resolves with how many bytes, 0 at the end.
   * `into` belongs to the source until then. Rejects with an XferError where what was read is not all.
   */
  read(into: Uint8Array): Promise<number>;
  /**
   * Resolves when a `read` would not wait, undefined where it is to be called at once: so that many idle sources keep no
   * memory. Without it `read` waits with its memory.
   */
  readable?(): Promise<void> | undefined;
  /** Nobody wants any more: whoever writes to it is to find a broken pipe. A `read` that waits resolves with 0. */
  stop(): void;
}

/** Where messages come from. One `read` at a time. */
export interface MessageSource {
  readonly kind: 'messages';
  /**
   * All messages that are there, at least one, but no more once they have `mostBytes` together; undefined at the end. Their
   * memory belongs to the caller. Rejects with an XferError where what was read is not all.
   */
  read(mostBytes: number): Promise<readonly Message[] | undefined>;
  /** Nobody wants any more. A `read` that waits resolves with undefined; what was received already may still be given. */
  stop(): void;
}

/** Where bytes go to. One call at a time. */
export interface ByteSink {
  readonly kind: 'bytes';
  /**
   * `bytes` belongs to the sink until this settles, which is when it takes more. Rejects with ERR_XFER_BROKEN_PIPE where
   * the reader has gone, or with another XferError.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** All was written. Resolves when it has gone where it goes: a file is closed, a program has ended well. */
  end(): Promise<void>;
  /** What was written is not all, and nothing more will be. */
  abort(error: XferError): void;
  /** Called once when the reader has gone although nothing is being written. Sinks that cannot know never call it. */
  onBroken(handler: (error: XferError) => void): void;
}

/** Where messages go to. One call at a time. */
export interface MessageSink {
  readonly kind: 'messages';
  /** As ByteSink.write. The messages' memory belongs to the sink until this settles. */
  write(messages: readonly Message[]): Promise<void>;
  end(): Promise<void>;
  abort(error: XferError): void;
  onBroken(handler: (error: XferError) => void): void;
}

export type PipeSource = ByteSource | MessageSource;
export type PipeSink = ByteSink | MessageSink;

/** What an endpoint is opened for: content comes from it, goes to it, or both. */
export type EndpointUse = 'source' | 'sink' | 'both';

/** One end of a pipe on this machine. */
export interface Endpoint {
  /** For people, printable: `tcp-connect:192.0.2.7:80`. */
  readonly label: string;
  /** There where it was opened for that. */
  readonly source?: PipeSource;
  readonly sink?: PipeSink;
  /** Lets go of everything, whatever state it is in. Never rejects; a second call does nothing more. */
  close(): Promise<void>;
}

export interface EndpointOptions {
  readonly use: EndpointUse;
  /** Aborting it ends what is under way; `open` rejects with its reason. */
  readonly signal: AbortSignal;
  /** Something that a person should know and that is no error. */
  onNote(message: string): void;
}

export interface EndpointListenOptions extends EndpointOptions {
  /** Somebody came. Until it is read or written nothing of it is lost. */
  onEndpoint(endpoint: Endpoint): void;
}

/** What accepts one endpoint after another: each becomes a stream of its own (`--fork`). */
export interface EndpointListener {
  /** As it is typed, with the real port. */
  readonly address: string;
  /** Takes no more; those that came stay. */
  close(): Promise<void>;
}

/** All endpoints of some URL schemes. A URL is `scheme:rest`; only the scheme is looked at before. */
export interface EndpointKind {
  /** Reads the URL and does nothing. Throws ERR_XFER_USAGE for what is no endpoint of this kind, or has no such use. */
  check(url: string, use: EndpointUse): void;
  /** Rejects with an XferError: ERR_XFER_UNKNOWN_HOST, ERR_XFER_CONNECTION_REFUSED, … */
  open(url: string, options: EndpointOptions): Promise<Endpoint>;
  /** What THIS machine can do with them, for `xfer doctor`; opens nothing. Only of kinds that may be missing something. */
  probe?(): Promise<ProbeResult>;
  /** Only of kinds that accept. */
  listen?(url: string, options: EndpointListenOptions): Promise<EndpointListener>;
}

/** What a plugin's hook `xfer:endpoints` gives, in an array. */
export interface EndpointDescriptor {
  readonly apiVersion: typeof endpointApiVersion;
  readonly name: string;
  /** Lower case, without the colon. */
  readonly schemes: readonly string[];
  load(): Promise<EndpointKind>;
}
