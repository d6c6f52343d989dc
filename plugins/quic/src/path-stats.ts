import type { QuicConnection, QuicStats } from './binding.js';
import type { SendSample } from './send-allowance-core.js';

export interface PathSample extends SendSample {
  /** Whole milliseconds; 0 where it is less than one. */
  readonly rttMs: number;
  readonly minRttMs: number;
  readonly lostPackets: number;
  readonly receivedDatagrams: number;
  readonly congestionEvents: number;
}

/** What quinn counts of a connection, in numbers that do not wrap. */
export class PathStats {
  readonly #connection: Pick<QuicConnection, 'stats'>;
  /** Made when somebody looks: most connections of a listener with many are idle. */
  #counters: Map<keyof QuicStats, number> | undefined;
  #minRttMs = Infinity;
  #latest: PathSample | undefined;
  #latestMs = -Infinity;

  constructor(connection: Pick<QuicConnection, 'stats'>) {
    this.#connection = connection;
  }

  /** A look at the counters, or the latest where that was no longer than `maxAgeMs` ago: it takes quinn's lock. */
  sample(now: number, maxAgeMs: number): PathSample {
    if (this.#latest && now - this.#latestMs <= maxAgeMs) return this.#latest;
    const stats = this.#connection.stats();
    const counters = (this.#counters ??= new Map<keyof QuicStats, number>());
    const count = (name: keyof QuicStats): number => {
      const before = counters.get(name) ?? 0;
      const counter = before + ((stats[name] - before) >>> 0);
      counters.set(name, counter);
      return counter;
    };
    this.#minRttMs = Math.min(this.#minRttMs, stats.pathRtt);
    this.#latestMs = now;
    return (this.#latest = {
      rttMs: stats.pathRtt,
      minRttMs: this.#minRttMs,
      cwndBytes: stats.pathCwnd,
      sentBytes: count('udpTxBytes'),
      sentDatagrams: count('udpTxDatagrams'),
      receivedDatagrams: count('udpRxDatagrams'),
      lostPackets: count('pathLostPackets'),
      congestionEvents: count('pathCongestionEvents'),
    });
  }
}
