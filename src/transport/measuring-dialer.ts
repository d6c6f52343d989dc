import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { measuringDefaults } from '../config/index.js';
import { openErrorCode, OpenRefused, resetCode, type Connection, type Stream } from './contract.js';
import {
  decodeReport,
  measuringByte,
  measuringHeader,
  reportBytes,
  type MeasuringReport,
} from './measuring.js';

/** `not offered`: an older xfer, or one that is told not to. `busy`: not now. `refused`: not for who is not known. */
export type NotMeasured = 'not offered' | 'busy' | 'refused' | 'lost';

/** What a refused stream tells is one round trip. */
export interface MeasuringRefused {
  readonly refused: NotMeasured;
  readonly roundTripMs: number | undefined;
}

const reasons: Readonly<Record<number, NotMeasured>> = {
  [openErrorCode.resourceLimit]: 'busy',
  [openErrorCode.accessDenied]: 'refused',
};
const ping = Uint8Array.of(measuringByte.ping);
const content = Uint8Array.of(measuringByte.content);
/** Beyond the time that the listener counts, its answer may take this long. */
const graceMs = 3_000;
const blockBytes = 256 * 1024;
/** A link that takes all at once would let nothing else run, neither what stops this nor its timers. */
const blocksPerTurn = 16;

/** One measuring stream, at the side that asks. */
export class MeasuringDialer {
  /** Of the opening, as the first of those that `ping` gives. */
  readonly openedMs: number;
  readonly #stream: Stream;
  readonly #reports: MeasuringReport[] = [];
  #rest: Uint8Array = new Uint8Array();
  #onPong: () => void = () => undefined;
  #isBusy = false;
  #isOver = false;
  /** The other side reads no more: what is sent is dropped at once. */
  #isStopped = false;
  #onOver: () => void = () => undefined;

  private constructor(stream: Stream, openedMs: number) {
    this.#stream = stream;
    this.openedMs = openedMs;
    stream.onData((bytes) => this.#handleData(bytes));
    stream.onEnd(() => this.#handleOver());
    stream.onStop(() => (this.#isStopped = true));
    void stream.closed.then(() => this.#handleOver());
  }

  /** Opens the stream, or says why there is none: `lost`, where the connection ended before that. Never rejects. */
  static async open(connection: Connection): Promise<MeasuringDialer | MeasuringRefused> {
    const beganAt = performance.now();
    const stream = connection.openStream({ header: measuringHeader });
    try {
      await stream.opened;
      return new MeasuringDialer(stream, performance.now() - beganAt);
    } catch (error) {
      if (!(error instanceof OpenRefused)) return { refused: 'lost', roundTripMs: undefined };
      const refused = reasons[error.openCode] ?? 'not offered';
      return { refused, roundTripMs: performance.now() - beganAt };
    }
  }

  /** Round trips one after the other, in milliseconds: so many, or as many as there is time for. */
  async ping(count: number, forMs: number): Promise<readonly number[]> {
    const trips: number[] = [];
    const until = performance.now() + forMs;
    for (let left = forMs; trips.length < count && left > 0 && !this.#isOver;) {
      const beganAt = performance.now();
      const came = this.#until((done) => (this.#onPong = done), left);
      this.#stream.send(ping);
      if (!(await came)) break;
      trips.push(performance.now() - beganAt);
      left = until - performance.now();
    }
    return trips;
  }

  /**
   * Sends as much as goes for as long as the listener counts. What it counted, in the order of time; empty where the
   * connection was lost before it said anything. The stream is over then.
   */
  async sendContent(): Promise<readonly MeasuringReport[] | 'busy'> {
    const block = randomBytes(blockBytes);
    const until = performance.now() + measuringDefaults.contentMs + graceMs;
    const over = this.#until((done) => (this.#onOver = done), measuringDefaults.contentMs + graceMs);
    this.#stream.send(content);
    for (let sent = 1; !this.#isStopped && !this.#isOver && performance.now() < until; sent++) {
      if (!this.#stream.send(block)) await Promise.race([this.#stream.drained(), over]);
      if (sent % blocksPerTurn === 0) await nextTurn();
    }
    await over;
    this.#stream.reset(resetCode.cancelled);
    return this.#isBusy ? 'busy' : this.#reports;
  }

  close(): void {
    this.#stream.reset(resetCode.cancelled);
  }

  #handleOver(): void {
    this.#isOver = true;
    this.#onOver();
    this.#onPong();
  }

  #handleData(bytes: Uint8Array): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (at < all.length && !this.#isOver) {
      if (all[at] === measuringByte.report) {
        if (all.length - at < reportBytes) break;
        this.#handleReport(decodeReport(all.subarray(at, at + reportBytes)));
        at += reportBytes;
      } else this.#handleByte(all[at++]);
    }
    this.#rest = new Uint8Array(all.subarray(at));
  }

  #handleReport(report: MeasuringReport | undefined): void {
    if (report && this.#reports.length < maxReports) this.#reports.push(report);
    else this.close();
  }

  #handleByte(byte: number | undefined): void {
    if (byte === measuringByte.ping) this.#onPong();
    else if (byte === measuringByte.busy) this.#isBusy = true;
    else this.close();
  }

  /** Whether it came in time. */
  async #until(arm: (done: () => void) => void, ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const came = await new Promise<boolean>((resolve) => {
      arm(() => resolve(true));
      if (this.#isOver) resolve(false);
      timer = setTimeout(() => resolve(false), Math.max(0, ms));
    });
    clearTimeout(timer);
    return came;
  }
}

/** A listener that says more than this says nonsense. */
const maxReports = 64;

/**
 * Bytes a second of the second half, when a connection has found its speed; of all of it where there is no more than
 * that. undefined: nothing was counted.
 */
export function goodputOf(reports: readonly MeasuringReport[]): number | undefined {
  const last = reports.at(-1);
  if (!last || last.us <= 0) return undefined;
  const before = reports.findLast(({ us }) => us <= last.us / 2) ?? { bytes: 0, us: 0 };
  const rate = ((last.bytes - before.bytes) / (last.us - before.us)) * 1e6;
  return Number.isFinite(rate) && rate >= 0 ? rate : undefined;
}
