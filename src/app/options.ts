import type { CompressMode } from '../transfer/compress-core.js';
import type { ReceivePolicy } from '../transfer/receive-policy.js';
import type { TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import type { BenchEnd } from './bench-end.js';
import type { RateLimit } from './rate-limit.js';
import type { TlsFiles } from './tls-files.js';
import type { DoneEvent, XferEvent } from './events.js';

export interface CommonOptions {
  /** Where the identity and the known peers are (`homeDirectory()`). */
  readonly home: string;
  /** Aborting it ends everything at once with ERR_XFER_INTERRUPTED. */
  readonly signal: AbortSignal;
  onEvent(event: XferEvent): void;
  /** What can carry the connections; the command line takes it from the plugins' hooks. */
  readonly transports: TransportRegistry;
  /** For every listener and dial of this side; of a way over relays that is its first hop. Default: the transports'. */
  readonly tuning?: TransportTuning;
  /** The code that both sides share. Always checked when given. */
  readonly code?: string;
  /** Pin the other side's key for later transfers, under `rememberAs` or the name it gives itself. */
  readonly remember?: boolean;
  readonly rememberAs?: string;
  /** How long to put up with a network that fails, in milliseconds; 0: not at all. Default: sessionDefaults.retryMs. */
  readonly retryMs?: number;
  /**
   * Content need not be sealed where the other side says the same, on lanes that lead straight over a fabric (docs/security.md). Where it
   * does not come to that a note says why. Default: false.
   */
  readonly trustFabric?: boolean;
  /** Of a process that a bench has started. Default: none has. */
  readonly bench?: BenchEnd;
  /** Files of at most so many bytes go together in records, as far as both sides agree. Default: sessionDefaults. */
  readonly streamingThresholdBytes?: number;
}

/** What the first relay on the way is to know. */
export interface HopOptions {
  /** Prove this machine's key to it. Default: it learns no key. */
  readonly identify?: boolean;
  /** For a private relay. Default: none. */
  readonly relayToken?: string;
}

export interface SendOptions extends CommonOptions, HopOptions {
  /** `-` alone: what comes from stdin, as one file called `name`. */
  readonly paths: readonly string[];
  /** What the receiver is to call what comes from stdin. */
  readonly name?: string;
  /** `[scheme://]host[:port]`, `local:DIR` or `room:ROOM`; `room:` alone is the room of the code. */
  readonly target: string;
  /** Relays on the way, nearest first; alternatives of one hop with commas between them. Default: none. */
  readonly via?: readonly string[];
  /**
   * URL schemes that may be used, where the target names none; with one that it names that one must be among them. Not for
   * a way over relays. Default: all that are there, the first that answers (docs/selection.md).
   */
  readonly use?: readonly string[];
  /** Tell of each decision about the ways, as `explain` events. Default: false. */
  readonly explain?: boolean;
  /** Asked where no code was given and the target is no known peer; undefined where there is nobody to ask. */
  askCode?(): Promise<string | undefined>;
  /** The name of the known peer that must answer. */
  readonly peer?: string;
  /** `stamp`: what has the same size and time over there is not sent; `digest`: what has the same content. Default: all is sent. */
  readonly update?: 'stamp' | 'digest';
  /** The receiver deletes what it has in these directories and is not here; only with `update`, and if it agrees. */
  readonly remove?: boolean;
  /** Whether owners, and extended attributes of namespace `user.`, are told. Default: neither. */
  readonly owners?: boolean;
  readonly attributes?: boolean;
  /** How fast to send. Default: as fast as it goes. */
  readonly limit?: RateLimit;
  /** Whether content is compressed: all that shrinks, or (default) that where the network is what the transfer waits for. */
  readonly compress?: CompressMode;
  /** Files are read past the page cache, as far as their file systems can. Default: false. */
  readonly direct?: boolean;
  /** Lanes to have; default: as many as measuring shows to help. */
  readonly lanes?: number;
  /**
   * What is not to be sent. Patterns are matched against paths as they arrive, the given path's own name first; the
   * last rule that matches decides, and nothing below an excluded directory is sent. Default: everything is sent.
   */
  readonly filters?: readonly FilterRule[];
  /** What is in directories on other file systems than the given path's is not sent. Default: false. */
  readonly oneFileSystem?: boolean;
}

/** As for one target; whom to expect behind a target, and how to call that one, can be said for one alone. */
export interface SendManyOptions extends Omit<SendOptions, 'target' | 'peer' | 'rememberAs'> {
  /** As SendOptions.target, each once. */
  readonly targets: readonly string[];
}

/** `value` is a pattern in gitignore's syntax, or the path of a file of them; `-` is stdin. */
export interface FilterRule {
  readonly kind: 'exclude' | 'include' | 'exclude-from';
  readonly value: string;
}

export interface ReceiveOptions extends CommonOptions, HopOptions {
  /** Made where it does not exist. */
  readonly directory: string;
  /** `-`: the content of one stream goes to stdout, and no file is written. Default: files go to the directory. */
  readonly output?: '-';
  /** URLs; default: tcp on every address, port 4840, and udp beside it where there is that. */
  readonly listen: readonly string[];
  /** Relays to wait at, as in SendOptions: at the last one, in `room`; then it listens only where `listen` says so. */
  readonly via?: readonly string[];
  /** Default: that of the code, or one that is free. */
  readonly room?: string;
  /** Who this machine is for wss listeners. */
  readonly tls?: TlsFiles;
  /** False: only files within the threshold are taken, each whole; a sender with a larger one is told. Default: true. */
  readonly streaming?: boolean;
  /** Whether others may measure the path to it (`xfer doctor`), while no transfer is under way. Default: true. */
  readonly measures?: boolean;
  /** Files are written past the page cache, as far as the directory's file system can. Default: false. */
  readonly direct?: boolean;
  /** End after one transfer, whatever its outcome. */
  readonly once: boolean;
  /** What one transfer may bring, and what becomes of files that exist. */
  readonly policy?: ReceivePolicy;
  /** Names of known peers: nobody else may send, and no code is made. */
  readonly allow?: readonly string[];
}

/** `send(options)` of `send.ts` resolves with the summary that was also its `done` event; it rejects with an XferError. */
export type SendResult = DoneEvent;
