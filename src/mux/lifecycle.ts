import type { MuxConfig } from './config.js';
import { noDetail, type CoreStream } from './core-stream.js';
import { encodeClose, encodeCodeFrame, encodeDataFlags, encodeUint64Frame, withDetail } from './encode.js';
import { frameFlag, frameType } from './frame.js';
import { pendingOpensUntilHello } from './hello.js';
import type { Outbound } from './outbound.js';
import type { StreamTable } from './stream-table.js';
import type { ConnectionBudget } from '../transport/contract.js';

/** How streams begin and end, with what they hold of the budget. */
export class Lifecycle {
  /** Called with each stream that is gone, or was not let in. */
  onLeft: (id: number) => void = () => undefined;
  readonly #table: StreamTable;
  readonly #outbound: Outbound;
  readonly #config: MuxConfig;
  readonly #budget: ConnectionBudget;

  constructor(table: StreamTable, outbound: Outbound, config: MuxConfig, budget: ConnectionBudget) {
    this.#table = table;
    this.#outbound = outbound;
    this.#config = config;
    this.#budget = budget;
  }

  /** Takes a stream's place and its first window from the budget; false where there is none. */
  enter(stream: CoreStream): boolean {
    const { earlyStreamBytes, initialWindowBytes } = this.#config;
    if (!this.#budget.takeStream()) return false;
    const early = isBeforeHello(stream) ? this.#config.earlyBeforeHelloBytes : earlyStreamBytes;
    const wanted = stream.ours && !this.#budget.scarce ? initialWindowBytes : early;
    if (!this.#budget.takeBytes(wanted)) {
      this.#budget.giveStream();
      return false;
    }
    stream.firstWindowBytes = wanted;
    this.#table.add(stream);
    return true;
  }

  /** OPEN_ACK with the full window, as far as the budget goes. */
  accept(stream: CoreStream, answer = noDetail): void {
    const window = stream.window;
    if (stream.phase !== 'pending' || !window) return;
    const extra = this.#config.initialWindowBytes - window.sizeBytes;
    const more = !stream.readEnded && !this.#budget.scarce;
    if (more && this.#budget.takeBytes(extra)) window.sizeBytes += extra;
    // What the opener may send before the answer is on its way already.
    window.limit = Math.max(window.limit, window.consumed + window.sizeBytes);
    this.#table.answered(stream);
    stream.phase = 'open';
    const { id } = stream;
    this.#outbound.control(withDetail(id, answer, encodeUint64Frame(frameType.openAck, id, window.limit)));
    if (stream.finReadDue) this.#outbound.credit(stream);
    this.#outbound.ready(stream);
  }

  refuse(stream: CoreStream, code: number, detail = noDetail): void {
    if (stream.phase !== 'pending') return;
    this.leave(stream);
    const { id } = stream;
    this.#outbound.control(withDetail(id, detail, encodeCodeFrame(frameType.openErr, id, code)));
  }

  /** Ours: both directions at once. Where the OPEN never went out, neither does the RESET. */
  reset(stream: CoreStream, code: number, detail = noDetail): void {
    if (stream.phase === 'closed') return;
    const told = stream.phase !== 'queued';
    this.leave(stream);
    const { id } = stream;
    if (told)
      this.#outbound.control(withDetail(id, detail, encodeCodeFrame(frameType.streamReset, id, code)));
  }

  /** Both directions may have ended: the side that accepted says CLOSE, the opener keeps the id until it hears it. */
  finishIfEnded(stream: CoreStream): void {
    if (stream.ours || stream.phase !== 'open' || !stream.finRead || !stream.readEnded) return;
    if (stream.finReadDue) this.#outbound.control(encodeDataFlags(stream.id, frameFlag.finRead));
    this.#outbound.control(encodeClose(stream.id));
    this.leave(stream);
  }

  /** The reader has all there was: gives its window back and tells the writer. */
  endReading(stream: CoreStream): void {
    stream.readEnded = true;
    stream.finReadDue = true;
    this.#giveWindow(stream);
    if (stream.phase !== 'pending') this.#outbound.credit(stream);
    this.finishIfEnded(stream);
  }

  /** Forgets the stream and all that it holds. */
  leave(stream: CoreStream): void {
    if (stream.phase === 'closed') return;
    const early = stream.phase === 'opening';
    if (!stream.readEnded) this.#giveWindow(stream);
    this.#table.remove(stream);
    stream.held.clear();
    this.#budget.giveStream();
    this.#outbound.forget(stream);
    if (early) this.#outbound.earlyFreed();
    stream.events?.handleClosed();
    this.onLeft(stream.id);
  }

  #giveWindow(stream: CoreStream): void {
    this.#budget.giveBytes(stream.window?.sizeBytes ?? stream.firstWindowBytes);
  }
}

/** The first streams of a dialer may have been opened before it knew what they may bring. */
function isBeforeHello({ ours, id }: CoreStream): boolean {
  return !ours && id % 2 === 1 && id < 2 * pendingOpensUntilHello;
}
