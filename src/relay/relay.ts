import { randomBytes } from 'node:crypto';
import { relayDefaults } from '../config/index.js';
import { isXferError, XferError } from '../errors/index.js';
import type { Admission, Connection, TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import { MeasuringListener } from '../transport/measuring-listener.js';
import { BlockPool } from './block-pool.js';
import { Forwarder, type ForwardingOptions } from './forwarder.js';
import { dialNextHop } from './next-hop.js';
import type { HopIdentity, HopView, RelayObserver } from './observer.js';
import type { ProveHop } from './prove-hop.js';
import type { RefusalReason } from './refusal-reason.js';
import { RelayAdmission, type RelayGuard, type RelayLoad } from './relay-guard.js';
import { RelayHop, type RelayContext } from './relay-hop.js';

export interface RelayOptions {
  readonly transports: TransportRegistry;
  readonly guard: RelayGuard;
  readonly observer?: RelayObserver;
  /** How streams are forwarded. Default: piped. */
  readonly forwarding?: ForwardingOptions;
  /** For what it dials. */
  readonly tuning?: TransportTuning | undefined;
  /** Default: relayDefaults. */
  readonly handshakeTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  /** Finds out who a peer is; `onRefuse` is told why it is refused for that. */
  identify(connection: Connection, onRefuse: (reason: RefusalReason) => void): HopIdentity;
  /** Whether peers may measure the path to it, while nothing is forwarded. Default: true. */
  readonly measures?: boolean | undefined;
  /** Tells the next relay of a path who this one is. Default: it does not say. */
  readonly prove?: ProveHop | undefined;
}

const roomTickMs = 1_000;

/** Forwards streams from hop to hop and can read nothing in them (DESIGN §8). */
export class Relay {
  readonly #guard: RelayGuard;
  readonly #observer: RelayObserver;
  readonly #context: RelayContext;
  readonly #hops = new Map<number, RelayHop>();
  readonly #timer: NodeJS.Timeout;
  #lastHop = 0;
  #isDraining = false;

  constructor({
    transports,
    guard,
    observer = {},
    forwarding = {},
    identify,
    prove,
    tuning,
    measures = true,
    ...times
  }: RelayOptions) {
    this.#guard = guard;
    this.#observer = observer;
    const limits = guard.connectionLimits;
    this.#context = {
      id: randomBytes(8).toString('hex'),
      forwarder: new Forwarder(forwarding, new BlockPool(), observer),
      observer,
      guard,
      // Who waits in a room has a stream open, and sends nothing.
      measuring: measures ? new MeasuringListener({ isBusy: () => guard.streams > guard.rooms }) : undefined,
      handshakeTimeoutMs: times.handshakeTimeoutMs ?? relayDefaults.handshakeTimeoutMs,
      idleTimeoutMs: times.idleTimeoutMs ?? relayDefaults.idleTimeoutMs,
      identify: (connection) =>
        identify(connection, (reason) => observer.onRefuse?.(reason, connection.remote.host)),
      dial: async (url, { trust }, isRelay, signal) => {
        const next = await dialNextHop(url, {
          ...{ transports, signal, limits, tuning, trust, policy: guard.policy },
          prove: isRelay ? prove : undefined,
        });
        observer.onLink?.(next, 'out');
        return next;
      },
      hop: (id) => this.#hops.get(id),
    };
    this.#timer = setInterval(() => this.#expireRooms(), roomTickMs).unref();
  }

  /** The connections that peers have made. */
  get hops(): Iterable<HopView> {
    return this.#hops.values();
  }

  get load(): RelayLoad {
    return this.#guard.load;
  }

  /** For `ListenOptions.admit`: before any work for a connection. */
  admit(source: string): RelayAdmission | undefined {
    const admission = this.#guard.admit(source);
    if (admission instanceof RelayAdmission) return admission;
    this.#observer.onRefuse?.(admission, source);
    return undefined;
  }

  handleConnection(connection: Connection, admission?: Admission): void {
    const hop = new RelayHop(++this.#lastHop, connection, this.#context, () => {
      if (admission instanceof RelayAdmission) admission.ready();
    });
    this.#hops.set(hop.id, hop);
    this.#observer.onLink?.(connection, 'in');
    this.#observer.onConnect?.(hop);
    if (this.#isDraining) hop.drain();
    void connection.closed.then(({ error }) => {
      this.#hops.delete(hop.id);
      this.#observer.onDisconnect?.(hop, isXferError(error) ? error : undefined);
    });
  }

  /** Takes no more streams; those that are there go on. */
  drain(): void {
    this.#isDraining = true;
    for (const hop of this.#hops.values()) hop.drain();
  }

  /** Drains. Resolves when the streams that are there are over, and at the signal, which cuts what is left. */
  async finish(signal: AbortSignal): Promise<void> {
    this.drain();
    const hops = [...this.#hops.values()];
    await Promise.race([Promise.all(hops.map((hop) => hop.idle())), aborted(signal)]);
    if (!signal.aborted) return;
    for (const { connection } of hops)
      connection.abort(new XferError('ERR_XFER_INTERRUPTED', 'the relay was stopped'));
  }

  /** Drains, lets what is there end for a while, and closes. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#guard.close();
    await Promise.all([...this.#hops.values()].map(({ connection }) => connection.close()));
  }

  #expireRooms(): void {
    const expired = this.#guard.expireRooms();
    for (const { connection, name } of expired) this.#hops.get(connection)?.expireRoom(name);
    if (expired.length > 0) this.#observer.onRoom?.(this.#guard.rooms);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
