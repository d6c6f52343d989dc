import cliProgress, { type Options, type Params } from 'cli-progress';
import type { ProgressEvent } from '../app/events.js';
import { formatDuration, formatRate, formatSize } from '../config/quantity.js';

/** Turns progress events into one line of text: bar, bytes, rate, time left. Time is an argument, in milliseconds. */
export class ProgressLine {
  readonly #startMs: number;
  #beforeMs: number;
  #before: number | undefined;
  #rate = 0;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
    this.#beforeMs = nowMs;
  }

  /** Never wider than `columns`, and one line whatever the numbers. */
  text(event: ProgressEvent, nowMs: number, columns: number): string {
    this.#measure(event.bytes, nowMs);
    const share = event.total > 0 ? Math.min(1, event.bytes / event.total) : 0;
    const left =
      this.#rate > 0 && event.total > event.bytes ? (event.total - event.bytes) / this.#rate : undefined;
    const numbers = [
      `${String(Math.floor(share * 100)).padStart(3)}%`,
      `${formatSize(event.bytes)} of ${formatSize(event.total)}`,
      ...(this.#rate > 0 ? [formatRate(this.#rate)] : []),
      ...(left === undefined ? [] : [`${formatDuration(left)} left`]),
    ].join('  ');
    const barSize = Math.min(widestBar, columns - numbers.length - 2);
    return barSize < narrowestBar
      ? numbers.slice(0, columns)
      : cliProgress.Format.Formatter(options(barSize, numbers), this.#params(event, share, left), {});
  }

  /** Smoothed over about two seconds; what was there before this process counts for nothing. */
  #measure(bytes: number, nowMs: number): void {
    const seconds = (nowMs - this.#beforeMs) / 1000;
    if (this.#before === undefined) this.#before = bytes;
    else if (seconds >= 0.1) {
      const now = Math.max(0, bytes - this.#before) / seconds;
      const weight = 1 - Math.exp(-seconds / 2);
      this.#rate = this.#rate === 0 ? now : this.#rate + (now - this.#rate) * weight;
      this.#before = bytes;
    } else return;
    this.#beforeMs = nowMs;
  }

  #params(event: ProgressEvent, progress: number, left: number | undefined): Params {
    const { bytes: value, total } = event;
    return { progress, eta: left ?? 0, startTime: this.#startMs, stopTime: null, total, value, maxWidth: 0 };
  }
}

const widestBar = 30;
const narrowestBar = 5;

function options(barsize: number, numbers: string): Options {
  return {
    format: `{bar}  ${numbers}`,
    barsize,
    barCompleteString: '█'.repeat(barsize + 1),
    barIncompleteString: '░'.repeat(barsize + 1),
    barGlue: '',
    autopaddingChar: '',
    align: 'left',
  };
}
