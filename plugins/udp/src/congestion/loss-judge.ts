/**
 * Tells the losses of a queue from those of a noisy path. A noisy path loses the same part of the packets in every round,
 * whatever is in flight; a full queue loses where more than it holds was sent, and little after the sender has yielded. So
 * the loss rate of the quieter half of the last rounds is taken as the path's own, and a round is judged to have met a full
 * queue when it lost clearly more. "Clearly" is by the bounds of Wilson's confidence interval (1927), so that what chance
 * explains is no verdict.
 */
export class LossJudge {
  /** The last ones, oldest first. */
  readonly #rounds: Round[] = [];
  #ownLossRate = 1;
  #lost = 0;
  #acked = 0;
  #isJudged = false;

  /** What the path is taken to lose by itself: no more than this; 1 before the first round. */
  get ownLossRate(): number {
    return this.#ownLossRate;
  }

  handleAcked(packets: number): void {
    this.#acked += packets;
  }

  /**
   * Returns whether the losses of this round so far are a full queue's; true once a round. `inFlightPackets` are those that
   * were in flight with the newest lost: a round has about so many.
   */
  handleLost(packets: number, inFlightPackets: number): boolean {
    this.#lost += packets;
    if (this.#isJudged || this.#lost < leastLost) return false;
    const total = Math.max(this.#lost + this.#acked, inFlightPackets);
    this.#isJudged = interval(this.#lost, total).low > this.#ownLossRate + tolerated;
    return this.#isJudged;
  }

  /** Packets that had been counted as lost came after all. */
  handleSpurious(packets: number): void {
    this.#lost = Math.max(0, this.#lost - packets);
  }

  /** Rounds with few packets say little: they are counted together. */
  handleRound(): void {
    const total = this.#lost + this.#acked;
    if (total < leastPackets && !this.#isJudged) return;
    this.#rounds.push({ lost: this.#lost, total });
    if (this.#rounds.length > rounds) this.#rounds.shift();
    this.#ownLossRate = quietLossRate(this.#rounds);
    this.#lost = this.#acked = 0;
    this.#isJudged = false;
  }

  reset(): void {
    this.#rounds.length = 0;
    this.#ownLossRate = 1;
    this.#lost = this.#acked = 0;
    this.#isJudged = false;
  }
}

interface Round {
  readonly lost: number;
  readonly total: number;
}

/** At most this is lost in the quieter half of the rounds, taken together. */
function quietLossRate(seen: readonly Round[]): number {
  const quiet = [...seen]
    .sort((a, b) => a.lost / a.total - b.lost / b.total)
    .slice(0, Math.ceil(seen.length / 2));
  const sum = (of: (round: Round) => number) => quiet.reduce((total, round) => total + of(round), 0);
  return interval(
    sum(({ lost }) => lost),
    sum(({ total }) => total),
  ).high;
}

/** Wilson's score interval for the rate of an event that came `count` times in `total`. */
function interval(count: number, total: number): { low: number; high: number } {
  if (!(total > 0)) return { low: 0, high: 1 };
  const seen = Math.min(count, total);
  const middle = seen + deviations ** 2 / 2;
  const reach = deviations * Math.sqrt((seen * (total - seen)) / total + deviations ** 2 / 4);
  const scale = total + deviations ** 2;
  return { low: Math.max(0, (middle - reach) / scale), high: Math.min(1, (middle + reach) / scale) };
}

/** Of the normal distribution: one in a thousand rounds errs by chance. */
const deviations = 3;
const tolerated = 0.01;
const leastLost = 4;
const leastPackets = 32;
/** Two cycles of probing and more: at the end of each the sender has yielded. */
const rounds = 20;
