import type { RelayStatus } from '../app/relay-status.js';
import type { HopView } from '../relay/observer.js';
import type { RefusalReason } from '../relay/refusal-reason.js';

/** A peer and the transport that it came by: all its connections together. Rates are bytes a second. */
export interface PeerRow {
  readonly key: string;
  readonly name: string;
  readonly transport: string;
  readonly weight: number;
  readonly connections: number;
  readonly streams: number;
  readonly rateFrom: number;
  readonly rateTo: number;
  /** Both rates together, oldest first. */
  readonly history: readonly number[];
  readonly bufferedBytes: number;
  /** The best of its connections; 0 where nothing was measured. */
  readonly rttMs: number;
}

/** A relay at one moment, as a dashboard shows it. */
export interface RelayPicture {
  readonly addresses: readonly string[];
  readonly isDraining: boolean;
  readonly uptimeSeconds: number;
  readonly connections: number;
  readonly streams: number;
  readonly pendingOpens: number;
  readonly rooms: number;
  readonly bufferedBytes: number;
  readonly rateFrom: number;
  readonly rateTo: number;
  readonly history: readonly number[];
  /** The busiest first. */
  readonly rows: readonly PeerRow[];
  /** The most frequent first. */
  readonly refused: readonly (readonly [RefusalReason, number])[];
}

/** Samples that a history keeps. */
const historyLength = 60;

/** Turns what a relay has counted into rates, from one look to the next. */
export class RelayRates {
  #counted = new Map<number, { from: number; to: number }>();
  #histories = new Map<string, number[]>();
  #total: number[] = [];
  #lookedAt: number | undefined;

  look(status: RelayStatus, now: number): RelayPicture {
    const seconds = this.#lookedAt === undefined ? 0 : (now - this.#lookedAt) / 1000;
    this.#lookedAt = now;
    const counted = new Map<number, { from: number; to: number }>();
    const groups = new Map<string, { hops: HopView[]; from: number; to: number }>();
    for (const hop of status.hops) {
      const before = this.#counted.get(hop.id) ?? { from: 0, to: 0 };
      counted.set(hop.id, { from: hop.bytesFrom, to: hop.bytesTo });
      const key = `${hop.peer.key ?? hop.source} ${hop.transport}`;
      const group = groups.get(key) ?? { hops: [], from: 0, to: 0 };
      groups.set(key, group);
      group.hops.push(hop);
      group.from += hop.bytesFrom - before.from;
      group.to += hop.bytesTo - before.to;
    }
    this.#counted = counted;
    const rateOf = (bytes: number): number => (seconds > 0 ? bytes / seconds : 0);
    const histories = new Map<string, number[]>();
    const rows = [...groups].map(([key, { hops, from, to }]) => {
      const [rateFrom, rateTo] = [rateOf(from), rateOf(to)];
      const history = longer(this.#histories.get(key), rateFrom + rateTo);
      histories.set(key, history);
      return { key, ...rowOf(hops), rateFrom, rateTo, history };
    });
    this.#histories = histories;
    const [rateFrom, rateTo] = [sum(rows, (row) => row.rateFrom), sum(rows, (row) => row.rateTo)];
    this.#total = longer(this.#total, rateFrom + rateTo);
    return {
      addresses: status.addresses,
      isDraining: status.isDraining,
      uptimeSeconds: (now - status.startedAt) / 1000,
      connections: counted.size,
      streams: status.streams,
      pendingOpens: status.pendingOpens,
      rooms: status.rooms,
      bufferedBytes: sum(rows, (row) => row.bufferedBytes),
      rateFrom,
      rateTo,
      history: this.#total,
      rows: rows.sort((a, b) => b.rateFrom + b.rateTo - a.rateFrom - a.rateTo || b.streams - a.streams),
      refused: [...status.refused].sort(([, a], [, b]) => b - a),
    };
  }
}

function rowOf(hops: readonly HopView[]) {
  const [first] = hops;
  const isKnown = first?.peer.key !== undefined || first?.peer.trust === 'trusted';
  const rtts = hops.map(({ rttMs }) => rttMs).filter((ms) => ms > 0);
  return {
    name: (isKnown ? first.peer.name : first?.source) ?? '',
    transport: first?.transport ?? '',
    weight: first?.peer.weight ?? 0,
    connections: hops.length,
    streams: sum(hops, ({ streams }) => streams),
    bufferedBytes: sum(hops, ({ bufferedBytes }) => bufferedBytes),
    rttMs: rtts.length > 0 ? Math.min(...rtts) : 0,
  };
}

const longer = (history: readonly number[] = [], rate: number): number[] =>
  [...history, rate].slice(-historyLength);

const sum = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
