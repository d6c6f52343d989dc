/**
 * The window between two losses (RFC 9438 §4.2, §4.3): a cubic in time that is flat where the last loss came, beside the
 * line that Reno would take. In bytes; a segment is a datagram.
 */
export class CubicCurve {
  #sinceMs: number;
  readonly #flatBytes: number;
  readonly #firstBytes: number;
  #renoBytes: number;
  readonly #priorBytes: number;

  /** `flatBytes`: where the curve is flat. `priorBytes`: the window before the loss. */
  constructor(now: number, firstBytes: number, flatBytes: number, priorBytes: number) {
    this.#sinceMs = now;
    this.#firstBytes = firstBytes;
    this.#renoBytes = firstBytes;
    this.#flatBytes = Math.max(flatBytes, firstBytes);
    this.#priorBytes = priorBytes;
  }

  /** The window behind an ACK of `ackedBytes`. */
  grow(now: number, windowBytes: number, ackedBytes: number, rttMs: number, datagramBytes: number): number {
    if (now < this.#sinceMs) this.#sinceMs = now;
    const part = Math.min(1, ackedBytes / windowBytes);
    const slope = this.#renoBytes < this.#priorBytes ? renoSlope : 1;
    this.#renoBytes += slope * part * datagramBytes;
    const elapsedMs = now - this.#sinceMs;
    if (this.#at(elapsedMs, datagramBytes) < this.#renoBytes) return Math.max(windowBytes, this.#renoBytes);
    const ahead = this.#at(elapsedMs + rttMs, datagramBytes);
    const target = Math.min(Math.max(ahead, windowBytes), windowBytes * mostGrowth);
    return windowBytes + (target - windowBytes) * part;
  }

  /** Time in which the application did not use the window does not count (RFC 9438 §5.8). */
  skip(elapsedMs: number): void {
    this.#sinceMs += Math.max(0, elapsedMs);
  }

  #at(elapsedMs: number, datagramBytes: number): number {
    const steepness = cubeBytes * datagramBytes;
    const flatAtSeconds = Math.cbrt((this.#flatBytes - this.#firstBytes) / steepness);
    return steepness * (elapsedMs / 1000 - flatAtSeconds) ** 3 + this.#flatBytes;
  }
}

/** What a loss leaves of the window. */
export const lossKeeps = 0.7;

/** C of RFC 9438 §5, in segments a cubed second. */
const cubeBytes = 0.4;
/** With it Reno's line has the mean of a real Reno, which halves (RFC 9438 §4.3). */
const renoSlope = (3 * (1 - lossKeeps)) / (1 + lossKeeps);
const mostGrowth = 1.5;
