import { relayDefaults } from '../config/index.js';
import type { RelayObserver } from '../relay/observer.js';
import type { Relay } from '../relay/relay.js';
import { formatAddress } from '../transport/address.js';
import type { Listener } from '../transport/contract.js';
import { parseMetricsAddress } from './metrics-address.js';
import { MetricsServer } from './metrics-server.js';
import type { CommonOptions } from './options.js';
import type { RelayMetrics } from './relay-metrics.js';
import { relayObservers } from './relay-observers.js';
import { RelaySettings } from './relay-settings.js';
import { healthOf, RelayWatch, type RelayStatus } from './relay-status.js';

export interface RelayOperationOptions extends Pick<CommonOptions, 'onEvent'> {
  /** URLs; none: those of the configuration, else tcp on every address, port 4840, and udp beside it where there is that. */
  readonly listen: readonly string[];
  /** `HOST:PORT` or a port of this machine's own. Default: that of the configuration, else nothing is served. */
  readonly metrics?: string;
  /** The path of a configuration file (docs/relays.md); what stands here as an option goes before it. */
  readonly config?: string;
  /** Aborting it ends the relay in order: nothing new is taken, and streams go on for a while. */
  readonly drain?: AbortSignal;
  /** Default: relayDefaults.drainTimeoutMs. */
  readonly drainTimeoutMs?: number;
  /** Called once with what reads the configuration again. */
  onReload?(reload: () => Promise<void>): void;
  /** Told what happens at the relay. */
  readonly observer?: RelayObserver;
  /** Called once, before anything is listened on. */
  onStatus?(status: RelayStatus): void;
}

/** What a relay has besides forwarding: its configuration, metrics, and an end in order. */
export class RelayOperations {
  readonly settings: RelaySettings;
  /** For the relay. */
  readonly observer: RelayObserver;
  /** Where to listen; none: by default. */
  readonly listen: readonly string[];
  readonly #options: RelayOperationOptions;
  readonly #watch: RelayWatch;
  readonly #metricsAt: string | undefined;
  readonly #metrics: RelayMetrics | undefined;
  #server: MetricsServer | undefined;

  private constructor(
    options: RelayOperationOptions,
    settings: RelaySettings,
    watch: RelayWatch,
    metrics: RelayMetrics | undefined,
  ) {
    const { config } = settings;
    const configured = config.listen ?? [];
    this.#options = options;
    this.settings = settings;
    this.#watch = watch;
    this.#metrics = metrics;
    this.#metricsAt = options.metrics ?? config.metrics;
    this.observer = relayObservers(watch, metrics ?? {}, options.observer ?? {});
    this.listen = options.listen.length > 0 ? options.listen : configured;
    options.onReload?.(() => settings.reload());
    options.onStatus?.(watch);
  }

  /** Reads the configuration. Rejects with what is wrong with it. */
  static async begin(options: RelayOperationOptions): Promise<RelayOperations> {
    const settings = await RelaySettings.open(options.config, options.onEvent);
    const watch = new RelayWatch(settings.config);
    const at = options.metrics ?? settings.config.metrics;
    if (at === undefined) return new RelayOperations(options, settings, watch, undefined);
    parseMetricsAddress(at);
    const { RelayMetrics } = await import('./relay-metrics.js');
    return new RelayOperations(options, settings, watch, new RelayMetrics(watch));
  }

  /** The relay listens: serves metrics and tells of both. */
  async start(
    relay: Relay,
    listeners: readonly Listener[],
    who: { readonly key: string; readonly fingerprint: string },
  ): Promise<void> {
    const watch = this.#watch;
    const metrics = this.#metrics;
    watch.relay = relay;
    watch.addresses = listeners.map(({ address }) => formatAddress(address));
    if (metrics && this.#metricsAt !== undefined)
      this.#server = await MetricsServer.listen(parseMetricsAddress(this.#metricsAt), {
        contentType: metrics.contentType,
        text: () => metrics.text(),
        health: () => healthOf(watch),
      });
    const served = this.#server ? { metrics: this.#server.url } : {};
    this.#options.onEvent({ event: 'listening', addresses: watch.addresses, ...who, ...served });
    if (this.#server && !this.#server.isLocal)
      this.#note(`whoever reaches ${this.#server.url} can read the metrics`);
  }

  /** Resolves when the relay is to end in order, once that is done. */
  async drained(relay: Relay, listeners: Listener[]): Promise<void> {
    const { drain, drainTimeoutMs = relayDefaults.drainTimeoutMs } = this.#options;
    await aborted(drain);
    const watch = this.#watch;
    watch.isDraining = true;
    const left = `${countOf(watch.streams - watch.rooms)} may go on for ${drainTimeoutMs / 1000} s`;
    this.#note(`stopping: nothing new is taken, ${left}`);
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
    const late = new AbortController();
    const timer = setTimeout(() => {
      this.#note(`${countOf(watch.streams)} did not end in time`);
      late.abort();
    }, drainTimeoutMs);
    await relay.finish(late.signal);
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  #note(message: string): void {
    this.#options.onEvent({ event: 'note', message });
  }
}

const countOf = (streams: number): string => `${streams} stream${streams === 1 ? '' : 's'}`;

async function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
}
