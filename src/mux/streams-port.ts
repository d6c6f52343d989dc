import type { MuxCore } from './core.js';
import type { LinkPort, PortStats, PortUser } from './link-port.js';
import type { StreamsLink } from './streams-link.js';

/** A link that carries each stream's content by itself: it pulls, when it can send, control and content each for itself. */
export class StreamsPort implements LinkPort {
  readonly #link: StreamsLink;
  readonly #core: MuxCore;
  /** OPENs in the control at work: their content is asked for behind it, not from within. */
  #opened: number[] = [];
  #closing = false;
  /** Nothing under way keeps the end waiting: the link itself ends behind what it has pulled. */
  readonly settled = true;

  constructor(link: StreamsLink, core: MuxCore, user: PortUser) {
    this.#link = link;
    this.#core = core;
    link.onControl((bytes) => {
      user.handleHeard(core.handleData(performance.now(), bytes));
      this.#tellOpened();
    });
    link.onContent((id, bytes, fin, retain) =>
      user.handleHeard(core.handleContent(performance.now(), id, bytes, fin, retain)),
    );
    link.onLimit((id) => core.limitOf(id));
    link.onPullControl((maxBytes) => {
      const frames = core.pollControl(performance.now(), maxBytes);
      if (this.#closing && !core.controlWaits) queueMicrotask(() => this.#end());
      return frames;
    });
    link.onPullContent((maxBytes, aloneBytes) => core.pollContent(performance.now(), maxBytes, aloneBytes));
    if (link.onBegin) core.waitForLink();
    link.onBegin?.(() => {
      core.begin(performance.now());
      user.wantFlush();
    });
    link.onEnd(() => user.handleEnd());
    link.onError((error) => user.handleError(error));
  }

  flush(): void {
    this.#link.ready();
  }

  opened(id: number): void {
    this.#opened.push(id);
  }

  forget(id: number): void {
    this.#link.forget(id);
  }

  /** What was said and not pulled yet, a GOAWAY say, is pulled first. */
  close(): void {
    this.#closing = true;
    if (this.#core.controlWaits) this.#link.ready();
    else this.#end();
  }

  abort(): void {
    this.#closing = false;
    this.#link.abort();
  }

  stats(): PortStats {
    const { liveness, queuedBytes } = this.#core;
    const stats = this.#link.stats();
    return {
      ...stats,
      minRttMs: stats.minRttMs || liveness.minRttMs,
      rttMs: stats.rttMs || liveness.rttMs,
      unsentBytes: queuedBytes + stats.unsentBytes,
    };
  }

  #end(): void {
    if (!this.#closing) return;
    this.#closing = false;
    this.#link.close();
  }

  #tellOpened(): void {
    const opened = this.#opened;
    if (opened.length === 0) return;
    this.#opened = [];
    for (const id of opened) this.#link.opened(id);
  }
}
