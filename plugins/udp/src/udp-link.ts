import {
  XferError,
  type Content,
  type ContentLimit,
  type StreamsLink,
  type StreamsLinkStats,
} from 'xfer/plugin';
import type { ConnectionDriver, DriverUser } from './connection-driver.js';
import type { CoreEnd, CoreUser } from './core/contract.js';

const nothing = (): undefined => undefined;

/** CLOSE codes, see docs/udp.md. */
const closeCode = Object.freeze({ orderly: 0, protocol: 1, aborted: 2 });

/**
 * A link for mux over one connection core. Before the hellos are over there is no core: then only control can be pulled,
 * for the hello to bring.
 */
export class UdpLink implements StreamsLink, CoreUser, DriverUser {
  readonly #name: string;
  #driver: ConnectionDriver | undefined;
  /** Of control that was pulled for the hello, and that it had no room for. */
  #controlRest: Uint8Array | undefined;
  #pullControl: (maxBytes: number) => Uint8Array | undefined = nothing;
  #pullContent: (maxBytes: number) => Content | undefined = nothing;
  #onControl: (bytes: Uint8Array) => void = nothing;
  #onContent: (streamId: number, bytes: Uint8Array, fin: boolean) => void = nothing;
  #limitOf: (streamId: number) => ContentLimit = () => 'over';
  #onBegin: () => void = nothing;
  #onEnd: () => void = nothing;
  #onError: (error: Error) => void = nothing;
  #over = false;
  #isClosing = false;

  /** `name` is the other side, for messages. */
  constructor(name: string) {
    this.#name = name;
  }

  /** The hellos are over. */
  begin(driver: ConnectionDriver): void {
    this.#driver = driver;
    if (this.#over) return this.abort();
    this.#onBegin();
    if (this.#isClosing) this.close();
    this.ready();
  }

  /** What goes first of control, instead of what is pulled. */
  putBack(control: Uint8Array): void {
    if (control.length > 0) this.#controlRest = control;
  }

  /** It never came to be, or its socket broke. */
  fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#onError(error);
  }

  ready(): void {
    this.#driver?.core.ready();
    this.#driver?.wake();
  }

  forget(streamId: number): void {
    this.#driver?.core.forget(streamId);
    this.#driver?.wake();
  }

  opened(streamId: number): void {
    this.#driver?.core.opened(performance.now(), streamId);
  }

  close(): void {
    this.#isClosing = true;
    this.#driver?.core.close(performance.now(), closeCode.orderly, '');
    this.#driver?.wake();
  }

  abort(): void {
    this.#over = true;
    this.#driver?.core.abort(performance.now(), closeCode.aborted, '');
    this.#driver?.wake();
  }

  onPullControl(handler: (maxBytes: number) => Uint8Array | undefined): void {
    this.#pullControl = handler;
  }

  onPullContent(handler: (maxBytes: number) => Content | undefined): void {
    this.#pullContent = handler;
  }

  onControl(handler: (bytes: Uint8Array) => void): void {
    this.#onControl = handler;
  }

  onContent(handler: (streamId: number, bytes: Uint8Array, fin: boolean) => void): void {
    this.#onContent = handler;
  }

  onLimit(handler: (streamId: number) => ContentLimit): void {
    this.#limitOf = handler;
  }

  onBegin(handler: () => void): void {
    this.#onBegin = handler;
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onError(handler: (error: Error) => void): void {
    this.#onError = handler;
  }

  stats(): StreamsLinkStats {
    const stats = this.#driver?.core.stats();
    return {
      minRttMs: stats?.minRttMs ?? 0,
      rttMs: stats?.rttMs ?? 0,
      lost: stats?.packetsLost ?? 0,
      inFlightBytes: stats?.inFlightBytes ?? 0,
      unsentBytes: stats?.unsentBytes ?? 0,
      deliveryRate: stats?.deliveryRate ?? 0,
      ...(stats ? { datagramsSent: stats.packetsSent, datagramBytes: stats.datagramBytes } : {}),
    };
  }

  /** For the core. */
  handleControl(bytes: Uint8Array): void {
    this.#onControl(bytes);
  }

  handleContent(streamId: number, bytes: Uint8Array, fin: boolean): void {
    this.#onContent(streamId, bytes, fin);
  }

  limitOf(streamId: number): ContentLimit {
    return this.#limitOf(streamId);
  }

  pullControl(maxBytes: number): Uint8Array | undefined {
    const rest = this.#controlRest;
    this.#controlRest = undefined;
    return rest ?? this.#pullControl(maxBytes);
  }

  pullContent(maxBytes: number): Content | undefined {
    return this.#pullContent(maxBytes);
  }

  handleThrown(thrown: unknown): void {
    const cause = thrown instanceof Error ? thrown.message : String(thrown);
    const error = new XferError('ERR_XFER_INTERNAL', `${this.#name}: ${cause}`, { cause: thrown });
    // Whatever the layer above does with it, nothing is sent any more but the end.
    try {
      this.fail(error);
    } finally {
      this.abort();
    }
  }

  handlePath(path: number): void {
    this.#driver?.usePath(path);
  }

  handleEnd(end: CoreEnd): void {
    if (this.#over) return;
    this.#over = true;
    const error = errorOf(end, this.#name);
    if (error) this.#onError(error);
    else this.#onEnd();
  }
}

function errorOf(end: CoreEnd, name: string): XferError | undefined {
  if (end.kind === 'silent') return new XferError('ERR_XFER_TIMEOUT', `${name}: the other side fell silent`);
  if (end.kind === 'violation') return new XferError('ERR_XFER_PROTOCOL', `${name}: ${end.reason}`);
  if (end.kind === 'finished' || end.code === closeCode.orderly) return undefined;
  return end.code === closeCode.protocol
    ? new XferError('ERR_XFER_PROTOCOL', `${name}: the other side objects: ${end.reason}`)
    : new XferError('ERR_XFER_CONNECTION_LOST', `${name}: the connection is gone`);
}
