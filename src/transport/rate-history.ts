/** Long enough to know what was usual before something changed. */
const keptMs = 12_000;

interface Point {
  readonly at: number;
  readonly bytes: number;
  readonly networkMs: number;
}

/** How fast something got on of late, by what it had counted at each time. Pure; times in milliseconds. */
export class RateHistory {
  readonly #points: Point[] = [];

  add(at: number, bytes: number, networkMs: number): void {
    this.#points.push({ at, bytes, networkMs });
    while ((this.#points[0]?.at ?? at) < at - keptMs) this.#points.shift();
  }

  /** Forgets what was, so that nothing is compared with it. */
  restart(): void {
    this.#points.splice(0, this.#points.length - 1);
  }

  /** Time that is remembered. */
  get spanMs(): number {
    return (this.#points.at(-1)?.at ?? 0) - (this.#points[0]?.at ?? 0);
  }

  /** Bytes a millisecond over the last `ms`, which end so long ago; undefined where less than half of that is remembered. */
  rate(ms: number, agoMs = 0): number | undefined {
    const span = this.#span(ms, agoMs);
    return span && (span.to.bytes - span.from.bytes) / (span.to.at - span.from.at);
  }

  /** What part of the last `ms` was waited for the network. */
  networkShare(ms: number): number {
    const span = this.#span(ms, 0);
    return span ? (span.to.networkMs - span.from.networkMs) / (span.to.at - span.from.at) : 0;
  }

  #span(ms: number, agoMs: number): { readonly from: Point; readonly to: Point } | undefined {
    const end = (this.#points.at(-1)?.at ?? 0) - agoMs;
    const to = this.#points.findLast(({ at }) => at <= end);
    const from = this.#points.find(({ at }) => at >= end - ms);
    return from && to && to.at - from.at >= ms / 2 ? { from, to } : undefined;
  }
}
