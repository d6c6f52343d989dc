import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { HopView, LinkView, RelayObserver, ShadowDrop, StreamEnd } from '../relay/observer.js';
import { refusalReasons } from '../relay/refusal-reason.js';
import type { ConnectionStats } from '../transport/contract.js';
import type { RelayStatus } from './relay-status.js';

/** Seconds: 1 ms to 10 s. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Of round trips, which on one machine are shorter. */
const roundTripBuckets = [0.0001, 0.00025, 0.0005, ...latencyBuckets];

const failures = ['reset', 'lost', 'refused'] as const satisfies readonly StreamEnd[];
const shadowDrops = ['store-limit', 'memory', 'failed'] as const satisfies readonly ShadowDrop[];
const directions = ['received', 'sent'] as const;
/** Gauges that prom-client calls totals, which promtool objects to; each is there without the ending, too. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/**
 * A relay in Prometheus's words, in a registry of its own. No label has a value that a peer chose. What can be counted
 * when somebody asks is counted then: forwarding pays for nothing of it.
 */
export class RelayMetrics implements RelayObserver {
  readonly #registry = new Registry();
  /** Connections that there are, and what those brought that are over. */
  readonly #links = new Set<LinkView>();
  readonly #gone = new LinkTotals();
  /** Kinds of connections that there have been. */
  readonly #kinds = new Map<string, { direction: string; transport: string }>();
  readonly #opened: Counter;
  readonly #closed: Counter;
  readonly #errors: Counter<'type'>;
  readonly #openLatency: Histogram;
  readonly #handshakeLatency: Histogram;
  readonly #roundTrips: Histogram;
  readonly #shadowDifferences: Counter;
  readonly #shadowCompared: Counter;
  readonly #shadowDropped: Counter<'reason'>;

  constructor(status: RelayStatus) {
    const registers = [this.#registry];
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram({ name, help, registers, buckets });

    gauge('xfer_streams_active', 'Streams that peers have open', () => status.streams);
    gauge(
      'xfer_pending_opens',
      'Streams that wait for their turn, or for the answer of a next hop',
      () => status.pendingOpens,
    );
    gauge(
      'xfer_streams_waiting',
      'Streams that wait for their turn to be opened',
      () => status.load.waitingStreams,
    );
    gauge('xfer_opens_saturated', '1 while turns to open streams follow the weights', () =>
      Number(status.load.isOpeningFull),
    );
    gauge('xfer_forwarding_saturated', '1 while what is forwarded follows the weights', () =>
      Number(status.load.isForwardingFull),
    );
    this.#opened = counter('xfer_streams_opened_total', 'Streams that reached their next hop');
    this.#closed = counter(
      'xfer_streams_closed_total',
      'Streams that had reached their next hop and are over',
    );
    this.#openLatency = histogram(
      'xfer_stream_open_latency_seconds',
      'From the arrival of a stream to the answer of its next hop',
      latencyBuckets,
    );
    this.#errors = new Counter({
      name: 'xfer_stream_errors_total',
      help: 'Streams that were reset, lost with a connection, or never reached their next hop',
      labelNames: ['type'],
      registers,
    });
    for (const type of failures) this.#errors.inc({ type }, 0);
    this.#countLinks(status);
    gauge('xfer_buffered_bytes', 'Content that next hops have not taken yet', () => status.bufferedBytes);
    this.#handshakeLatency = histogram(
      'xfer_handshake_latency_seconds',
      'From the arrival of a connection to the proof of its key',
      latencyBuckets,
    );
    this.#roundTrips = histogram(
      'xfer_keepalive_rtt_seconds',
      'Round trips that keepalives measured, on all connections',
      roundTripBuckets,
    );
    gauge('xfer_rooms', 'Rooms that are open', () => status.rooms);
    new Counter({
      name: 'xfer_refused_total',
      help: 'Connections, streams and rooms that were refused',
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset();
        for (const reason of refusalReasons) this.inc({ reason }, status.refused.get(reason) ?? 0);
      },
    });
    this.#shadowDifferences = counter(
      'xfer_shadow_differences_total',
      'Directions of streams that the two ways of shadow mode delivered differently',
    );
    this.#shadowCompared = counter(
      'xfer_shadow_compared_total',
      'Directions of streams that went both ways of shadow mode to their end',
    );
    this.#shadowDropped = new Counter({
      name: 'xfer_shadow_dropped_total',
      help: 'Directions of streams that shadow mode did not compare to their end',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of shadowDrops) this.#shadowDropped.inc({ reason }, 0);
    gauge('xfer_draining', '1 while the relay waits for its last streams', () => Number(status.isDraining));
    collectDefaultMetrics({ register: this.#registry });
    for (const name of misnamed) this.#registry.removeSingleMetric(name);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  onLink(link: LinkView, direction: 'in' | 'out'): void {
    this.#kinds.set(`${direction} ${link.remote.scheme}`, { direction, transport: link.remote.scheme });
    link.onRoundTrip?.((ms) => this.#roundTrips.observe(ms / 1000));
    this.#links.add(link);
    void link.closed.then(() => {
      this.#links.delete(link);
      this.#gone.add(link.stats());
    });
  }

  onIdentify(_hop: HopView, handshakeMs: number): void {
    this.#handshakeLatency.observe(handshakeMs / 1000);
  }

  onOpened(_hop: HopView, latencyMs: number): void {
    this.#opened.inc();
    this.#openLatency.observe(latencyMs / 1000);
  }

  onStreamEnd(_hop: HopView, end: StreamEnd): void {
    if (end !== 'refused') this.#closed.inc();
    if (end !== 'closed') this.#errors.inc({ type: end });
  }

  onShadow(isSame: boolean): void {
    this.#shadowCompared.inc();
    if (!isSame) this.#shadowDifferences.inc();
  }

  onShadowDropped(reason: ShadowDrop): void {
    this.#shadowDropped.inc({ reason });
  }

  #countLinks({ links }: RelayStatus): void {
    const registers = [this.#registry];
    const totals = () => {
      const sum = new LinkTotals(this.#gone);
      for (const link of this.#links) sum.add(link.stats());
      return sum;
    };
    new Counter({
      name: 'xfer_bytes_total',
      help: 'Bytes on all connections, frames and all',
      labelNames: ['direction'],
      registers,
      collect() {
        const { bytes } = totals();
        this.reset();
        for (const direction of directions) this.inc({ direction }, bytes[direction]);
      },
    });
    new Counter({
      name: 'xfer_frames_total',
      help: 'Frames on all connections',
      labelNames: ['direction', 'type'],
      registers,
      collect() {
        const { frames } = totals();
        this.reset();
        for (const direction of directions)
          for (const [type, count] of frames[direction]) this.inc({ direction, type: snake(type) }, count);
      },
    });
    const kinds = this.#kinds;
    new Gauge({
      name: 'xfer_connections',
      help: 'Connections: in from peers, out to next hops',
      labelNames: ['direction', 'transport'],
      registers,
      collect() {
        for (const labels of kinds.values()) this.set(labels, 0);
        for (const [link, direction] of links) this.inc({ direction, transport: link.remote.scheme });
      },
    });
  }
}

/** Bytes and frames of some connections. */
class LinkTotals {
  readonly bytes = { received: 0, sent: 0 };
  readonly frames = { received: new Map<string, number>(), sent: new Map<string, number>() };

  constructor(from?: LinkTotals) {
    if (!from) return;
    for (const direction of directions) {
      this.bytes[direction] = from.bytes[direction];
      this.frames[direction] = new Map(from.frames[direction]);
    }
  }

  add({ bytesReceived, bytesSent, frames }: ConnectionStats): void {
    this.bytes.received += bytesReceived;
    this.bytes.sent += bytesSent;
    for (const direction of directions)
      for (const [type, count] of Object.entries(frames?.[direction] ?? {}))
        this.frames[direction].set(type, (this.frames[direction].get(type) ?? 0) + count);
  }
}

/** `streamOpen` as `stream_open`. */
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
