import cliProgress, { type Options } from 'cli-progress';
import type { ProgressEvent } from '../app/events.js';
import { formatDuration, formatRate, formatSize } from '../config/quantity.js';

/** What `--pv` shows of a pipe: total, rate, time and how full the window is. Time is an argument, in milliseconds. */
export class PvLine {
  readonly #startMs: number;
  #beforeMs: number;
  #beforeBytes = 0;
  #bytes = 0;
  #rate = 0;
  #fill: { readonly share: number; readonly windowBytes: number } | undefined;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
    this.#beforeMs = nowMs;
  }

  handleProgress({ bytes, heldBytes, windowBytes }: ProgressEvent): void {
    // A connection that comes again tells a little less for a moment than what was there before.
    this.#bytes = Math.max(this.#bytes, bytes);
    if (heldBytes !== undefined && windowBytes !== undefined && windowBytes > 0)
      this.#fill = { share: Math.min(1, heldBytes / windowBytes), windowBytes };
  }

  /** For a terminal: never wider than `columns`, and one line. */
  text(nowMs: number, columns: number): string {
    this.#measure(nowMs);
    const numbers = this.#numbers(nowMs);
    if (this.#fill === undefined) return numbers.slice(0, columns);
    const { share, windowBytes } = this.#fill;
    const full = `${String(Math.round(share * 100)).padStart(3)}% of ${formatSize(windowBytes)}`;
    const barSize = Math.min(widestBar, columns - numbers.length - full.length - 12);
    if (barSize < narrowestBar) return `${numbers}  buffer${full}`.slice(0, columns);
    const bar = cliProgress.Format.BarFormat(share, barOptions(barSize));
    return `${numbers}  buffer ${bar} ${full}`;
  }

  /** For a log: all that `text` says, without a bar. */
  line(nowMs: number): string {
    this.#measure(nowMs);
    const fill =
      this.#fill &&
      `  buffer ${Math.round(this.#fill.share * 100)}% of ${formatSize(this.#fill.windowBytes)}`;
    return `${this.#numbers(nowMs)}${fill ?? ''}`;
  }

  /** At the end: the whole, and the rate of all of it. */
  summary(nowMs: number): string {
    const seconds = (nowMs - this.#startMs) / 1000;
    const rate = seconds > 0 ? ` (${formatRate(this.#bytes / seconds)})` : '';
    return `${formatSize(this.#bytes)} in ${formatDuration(seconds)}${rate}`;
  }

  #numbers(nowMs: number): string {
    const seconds = (nowMs - this.#startMs) / 1000;
    const parts = [formatSize(this.#bytes), formatRate(this.#rate), formatDuration(seconds)];
    return parts.map((part, at) => part.padEnd(widths[at] ?? 0)).join(' ');
  }

  /** Smoothed over about two seconds; a pipe that stands still falls to 0. */
  #measure(nowMs: number): void {
    const seconds = (nowMs - this.#beforeMs) / 1000;
    if (seconds < leastSeconds) return;
    const now = (this.#bytes - this.#beforeBytes) / seconds;
    const weight = 1 - Math.exp(-seconds / 2);
    this.#rate = this.#rate === 0 ? now : this.#rate + (now - this.#rate) * weight;
    // Below a byte a second it is what is left of the smoothing.
    if (this.#rate < 1) this.#rate = 0;
    this.#beforeBytes = this.#bytes;
    this.#beforeMs = nowMs;
  }
}

/** So that the numbers do not dance: `999 MB`, `1.19 GB/s`, `59 min 59 s`. */
const widths = [8, 9, 6];
const leastSeconds = 0.1;
const widestBar = 20;
const narrowestBar = 5;

function barOptions(barsize: number): Options {
  return {
    barsize,
    barCompleteString: '█'.repeat(barsize + 1),
    barIncompleteString: '░'.repeat(barsize + 1),
    barGlue: '',
  };
}
