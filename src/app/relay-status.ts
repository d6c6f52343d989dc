import type { HopView, LinkView, RelayObserver } from '../relay/observer.js';
import type { RefusalReason } from '../relay/refusal-reason.js';
import type { RelayLoad } from '../relay/relay-guard.js';
import { healthLimits, type HealthLimits } from './relay-limits.js';
import type { RelayConfig } from './relay-config.js';

/** A relay as metrics, health checks and dashboards see it; the numbers are those of now. */
export interface RelayStatus {
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** Where it listens, as URLs with real ports. */
  readonly addresses: readonly string[];
  /** The connections that peers have made. */
  readonly hops: Iterable<HopView>;
  /** Those and the ones to next hops. */
  readonly links: ReadonlyMap<LinkView, 'in' | 'out'>;
  readonly rooms: number;
  readonly streams: number;
  readonly pendingOpens: number;
  readonly load: RelayLoad;
  /** Forwarded and not yet taken by the next hops. */
  readonly bufferedBytes: number;
  /** What was refused since the start. */
  readonly refused: ReadonlyMap<RefusalReason, number>;
  readonly limits: HealthLimits;
  /** It takes nothing new, and ends when its streams have. */
  readonly isDraining: boolean;
}

/** Before there is a relay. */
const calm: RelayLoad = { isForwardingFull: false, isOpeningFull: false, waitingStreams: 0 };

/** Watches a relay and knows at any time how it is. */
export class RelayWatch implements RelayStatus, RelayObserver {
  readonly startedAt = performance.now();
  readonly links = new Map<LinkView, 'in' | 'out'>();
  readonly refused = new Map<RefusalReason, number>();
  readonly limits: HealthLimits;
  addresses: readonly string[] = [];
  /** Set when there is one. */
  relay: { readonly hops: Iterable<HopView>; readonly load: RelayLoad } = { hops: [], load: calm };
  rooms = 0;
  isDraining = false;

  constructor(config: RelayConfig) {
    this.limits = healthLimits(config);
  }

  get hops(): Iterable<HopView> {
    return this.relay.hops;
  }

  get load(): RelayLoad {
    return this.relay.load;
  }

  get streams(): number {
    return this.#sum(({ streams }) => streams);
  }

  get pendingOpens(): number {
    return this.#sum(({ pendingOpens }) => pendingOpens);
  }

  get bufferedBytes(): number {
    return this.#sum(({ bufferedBytes }) => bufferedBytes);
  }

  onLink(link: LinkView, direction: 'in' | 'out'): void {
    this.links.set(link, direction);
    void link.closed.then(() => this.links.delete(link));
  }

  onRefuse(reason: RefusalReason): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }

  onRoom(rooms: number): void {
    this.rooms = rooms;
  }

  #sum(of: (hop: HopView) => number): number {
    let sum = 0;
    for (const hop of this.hops) sum += of(hop);
    return sum;
  }
}

/** Health as `/healthz` tells it. */
export function healthOf(status: RelayStatus): { isHealthy: boolean; report: Record<string, unknown> } {
  const { isDraining, streams, pendingOpens, rooms, limits, links, startedAt } = status;
  const report = {
    status: isDraining ? 'draining' : 'ok',
    streams,
    maxStreams: limits.maxStreamsTotal,
    pendingOpens,
    connections: [...links.values()].filter((direction) => direction === 'in').length,
    rooms,
    limits,
    uptimeSeconds: Math.floor((performance.now() - startedAt) / 1000),
  };
  return { isHealthy: !isDraining, report };
}
