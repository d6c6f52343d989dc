import type { Framing } from '../pipe/channel.js';
import type { Endpoint, EndpointUse } from '../pipe/endpoint.js';
import type { EndpointRegistry } from '../pipe/endpoint-registry.js';
import type { CompressMode } from '../transfer/compress-core.js';
import type { DoneEvent } from './events.js';
import type { CommonOptions, HopOptions } from './options.js';
import type { RateLimit } from './rate-limit.js';
import type { TlsFiles } from './tls-files.js';

/** One end of a pipe, as it was typed. */
export type PipePlace =
  /** stdin as a source, stdout as a sink. */
  | { readonly kind: 'stdio' }
  /** A URL whose scheme is an endpoint's: `file:out.bin`, `exec:gzip`, `tcp-listen:127.0.0.1:8080`. */
  | { readonly kind: 'endpoint'; readonly url: string }
  /** A machine that runs `xfer pipe --listen` or `xfer recv`, as SendOptions.target. */
  | { readonly kind: 'target'; readonly target: string }
  /** Whoever comes here: URLs to listen on (none: the default ones), or a relay's room (`--via`). */
  | { readonly kind: 'listen'; readonly urls: readonly string[]; readonly room?: string };

export interface PipeOptions extends CommonOptions, HopOptions {
  readonly endpoints: EndpointRegistry;
  /** Where content comes from: one, or several that are gathered. */
  readonly from: readonly PipePlace[];
  /** Where it goes: one, or several. */
  readonly to: readonly PipePlace[];
  /** Content goes back as well; with one place on each side. Default: false. */
  readonly duplex?: boolean;
  /**
   * How the content of byte sources and sinks of this side is cut, and messages that go to another machine. Default: `bytes`,
   * and `len32` with messages at an end.
   */
  readonly framing?: Framing;
  /** What is kept to be sent again, and held undelivered, in bytes. Default: pipeDefaults. */
  readonly windowBytes?: number;
  /** Content does not wait for more. Default: false. */
  readonly noDelay?: boolean;
  readonly compress?: CompressMode;
  /** What becomes of all others when one of several targets does not keep up. Default: wait. */
  readonly slow?: 'wait' | 'drop';
  /** Each frame (or block) goes to one of several targets, not to all. Default: false. */
  readonly balance?: boolean;
  /** Whatever comes to a listening endpoint, or to `listen`, is a stream of its own, until the signal. Default: the first alone. */
  readonly fork?: boolean;
  readonly name?: string;
  readonly via?: readonly string[];
  readonly use?: readonly string[];
  readonly explain?: boolean;
  readonly peer?: string;
  readonly limit?: RateLimit;
  readonly lanes?: number;
  readonly tls?: TlsFiles;
  /** Names of known peers: nobody else may come. */
  readonly allow?: readonly string[];
  askCode?(): Promise<string | undefined>;
  /** What `stdio` is. Default: stdin and stdout of this process. */
  stdio?(use: EndpointUse): Endpoint;
}

/** `pipe(options)` resolves with the summary that was also its `done` event; it rejects with an XferError. */
export type PipeResult = DoneEvent;
