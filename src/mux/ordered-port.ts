import type { Batch } from './batch.js';
import type { MuxCore } from './core.js';
import type { OrderedLink } from './link.js';
import type { LinkPort, PortStats, PortUser } from './link-port.js';

const nothing = (): void => undefined;

/** Milliseconds of link time that may wait in the link; past it control would come too late. */
const linkQueueMs = 10;
const leastLinkQueueBytes = 128 * 1024;

/** One byte link: everything goes in batches of frames, as many as the link is fast. */
export class OrderedPort implements LinkPort {
  readonly #link: OrderedLink;
  readonly #core: MuxCore;
  readonly #user: PortUser;
  #full = false;
  #flushing = false;
  #over = false;

  constructor(link: OrderedLink, core: MuxCore, user: PortUser) {
    this.#link = link;
    this.#core = core;
    this.#user = user;
    link.onData((bytes) => user.handleHeard(core.handleData(performance.now(), bytes)));
    link.onPlace?.(() => core.place());
    link.onWritable(() => {
      this.#full = false;
      user.handleWritable();
    });
    link.onEnd(() => user.handleEnd());
    link.onError((error) => user.handleError(error));
  }

  flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    while (!this.#over && !this.#full) {
      const room = this.#queueBytes() - this.#core.rate.inFlightBytes;
      const batch = room > 0 ? this.#core.poll(performance.now(), room) : undefined;
      if (!batch) break;
      this.#full = !this.#link.write(batch.chunks, () => this.#handleWritten(batch));
    }
    this.#flushing = false;
  }

  get settled(): boolean {
    return this.#core.rate.inFlightBytes === 0;
  }

  /** Content comes behind its OPEN here, and what was written is under way. */
  opened = nothing;
  forget = nothing;

  close(): void {
    this.#over = true;
    this.#link.close();
  }

  abort(): void {
    this.#over = true;
    this.#link.abort();
  }

  stats(): PortStats {
    const { liveness, rate, queuedBytes } = this.#core;
    return {
      minRttMs: liveness.minRttMs,
      rttMs: liveness.rttMs,
      lost: 0,
      inFlightBytes: 0,
      unsentBytes: queuedBytes + this.#link.unsentBytes,
      deliveryRate: rate.bytesPerSecond,
    };
  }

  #handleWritten(batch: Batch): void {
    this.#core.handleWritten(performance.now(), batch);
    this.#user.wantFlush();
  }

  #queueBytes(): number {
    const most = this.#core.config.maxLinkQueueBytes;
    const rate = this.#core.rate.bytesPerSecond;
    if (rate === 0) return most;
    return Math.min(most, Math.max(leastLinkQueueBytes, (rate * linkQueueMs) / 1000));
  }
}
