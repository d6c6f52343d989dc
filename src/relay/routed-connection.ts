import { codeFromWire, XferError, type ErrorCode } from '../errors/index.js';
import { formatAddress, parseUrl, type Address } from '../transport/address.js';
import type {
  CloseReason,
  Connection,
  ConnectionCapabilities,
  ConnectionStats,
  OpenStreamOptions,
  Stream,
  TransportMemory,
} from '../transport/contract.js';
import { decodeHopDetail, type HopDetail } from './hop-detail.js';
import { encodeRoute, maxHops, type Branch } from './route.js';

/** A way over relays. */
export interface Path {
  /** The relays as URLs, nearest first, each with its alternatives. */
  readonly relays: readonly (readonly string[])[];
  /** A URL, `room:NAME`, or nothing for the last relay itself. */
  readonly to: string;
}

export interface RoutedHandlers {
  /** A stream was refused: another relay may be better. */
  onRefused?(): void;
  /** A stream goes over this relay, which does not pipe but stores records and forwards them whole. */
  onStored?(relay: string): void;
}

/** A connection to the first relay of a path whose streams go to its end. */
export class RoutedConnection implements Connection {
  readonly isRelayed = true;
  /** That of the way to the first relay. */
  readonly memory?: TransportMemory;
  readonly #inner: Connection;
  readonly #path: Path;
  readonly #first: number;
  readonly #handlers: RoutedHandlers;

  /** `first`: which alternative of the first relay `inner` leads to. */
  constructor(inner: Connection, path: Path, first: number, handlers: RoutedHandlers = {}) {
    this.#inner = inner;
    if (inner.memory) this.memory = inner.memory;
    this.#path = path;
    this.#first = first;
    this.#handlers = handlers;
  }

  openStream(options: OpenStreamOptions = {}): Stream {
    const { to } = this.#path;
    return this.#open([{ to, header: options.header ?? new Uint8Array() }], options);
  }

  /** A stream that the last relay takes to several places; nothing comes back on it. Throws ERR_XFER_USAGE for too many. */
  openFork(branches: readonly Branch[]): Stream {
    return this.#open(branches, {});
  }

  #open(branches: readonly Branch[], options: OpenStreamOptions): Stream {
    const relays = this.#path.relays.slice(1);
    const header = encodeRoute({ ttl: maxHops, visited: [], relays, branches });
    const stream = this.#inner.openStream({ ...options, header, owner: this });
    stream.opened.then(
      (answer) => this.#handleAnswer(answer),
      () => this.#handlers.onRefused?.(),
    );
    return stream;
  }

  explain(detail: Uint8Array, isConnectionOver: boolean): Error | undefined {
    const told = decodeHopDetail(detail);
    const nameOf = (at: number) => this.#nameOf(at, told);
    if (!told)
      return isConnectionOver ? lost(`the connection to the relay ${nameOf(0)} was lost`) : undefined;
    const code = codeFromWire(told.wire);
    const depth = told.taken.length;
    const why = (told.isEntry ? entryReasons[code] : undefined) ?? words(code);
    if (told.isOwn) return new XferError(code, `${nameOf(depth)} refused: ${why}`);
    const [at, behind] = [nameOf(depth - 1), nameOf(depth)];
    if (code === 'ERR_XFER_CONNECTION_LOST') return lost(`${at} has lost the connection to ${behind}`);
    return new XferError(code, `${at} could not reach ${behind}: ${words(code)}`);
  }

  #handleAnswer(answer: Uint8Array): void {
    const told = decodeHopDetail(answer);
    if (told?.isStored) this.#handlers.onStored?.(this.#nameOf(told.taken.length, told));
  }

  /** The relay `at` the path, the first is 0, or its end. */
  #nameOf(at: number, told: HopDetail | undefined): string {
    const { relays, to } = this.#path;
    const taken = at === 0 ? this.#first : (told?.taken[at - 1] ?? 0);
    return shownHop([...relays, [to]][at]?.[taken] ?? '');
  }

  get capabilities(): ConnectionCapabilities {
    // Whatever leads to the first relay, nobody knows what leads on from there.
    return { ...this.#inner.capabilities, isFabric: false };
  }

  get local(): Address {
    return this.#inner.local;
  }

  get remote(): Address {
    return this.#inner.remote;
  }

  get closed(): Promise<CloseReason> {
    return this.#inner.closed;
  }

  onStream(handler: (stream: Stream, header: Uint8Array) => void): void {
    this.#inner.onStream(handler);
  }

  drain(): void {
    this.#inner.drain();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  abort(error: Error): void {
    this.#inner.abort(error);
  }

  onSuspect(handler: (suspect: boolean) => void): void {
    this.#inner.onSuspect(handler);
  }

  sendMessage(bytes: Uint8Array): void {
    this.#inner.sendMessage(bytes);
  }

  onMessage(handler: (bytes: Uint8Array) => void): void {
    this.#inner.onMessage(handler);
  }

  stats(): ConnectionStats {
    return this.#inner.stats();
  }
}

/** As people write it: tcp's scheme and its default port say nothing. */
export function shownHop(url: string): string {
  if (url === '') return 'the relay';
  if (url.startsWith('room:')) return url;
  const address = parseUrl(url);
  return address.scheme === 'tcp' ? formatAddress(address).slice('tcp://'.length) : formatAddress(address);
}

const lost = (message: string) => new XferError('ERR_XFER_CONNECTION_LOST', message);

const reasons: Partial<Record<ErrorCode, string>> = {
  ERR_XFER_CONNECTION_REFUSED: 'connection refused',
  ERR_XFER_UNKNOWN_HOST: 'unknown host',
  ERR_XFER_UNREACHABLE: 'it cannot be reached',
  ERR_XFER_TIMEOUT: 'no answer in time',
  ERR_XFER_RELAY_REFUSED: 'the relay dials no such address for this peer',
  ERR_XFER_NO_ROOM: 'nobody waits in this room',
  ERR_XFER_ROOM_TAKEN: 'somebody waits in this room already',
  ERR_XFER_LIMIT: 'a limit is reached',
  ERR_XFER_STORE_LIMIT: 'a record is longer than it stores',
  ERR_XFER_LOOP: 'the path leads through it twice, or through too many relays',
  ERR_XFER_PROTOCOL: 'it does not understand the path',
  ERR_XFER_NO_TRANSPORT: 'it has no such transport',
  ERR_XFER_BAD_ADDRESS: 'it is no address',
  ERR_XFER_KEY_CHANGED: 'it has another key than the one that is pinned',
  ERR_XFER_HANDSHAKE: 'what it says does not verify',
};

/** Why a relay does not let in who dialled it. */
const entryReasons: Partial<Record<ErrorCode, string>> = {
  ERR_XFER_RELAY_REFUSED: 'it lets in only who is on its allow list or has its token',
  ERR_XFER_HANDSHAKE: 'it does not take the proof of who dials it',
  ERR_XFER_TIMEOUT: 'the proof of who dials it did not come in time',
};

const words = (code: ErrorCode): string => reasons[code] ?? code;
