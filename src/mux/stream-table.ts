import type { CoreStream } from './core-stream.js';

/** The streams of one link, by id, and what is counted about them. */
export class StreamTable {
  readonly streams = new Map<number, CoreStream>();
  /** Parity of the ids that we open: the dialer's are odd. */
  readonly ourParity: 0 | 1;
  nextOurId: number;
  /** Highest id of ours whose OPEN went out. */
  lastSentId = 0;
  /** Highest id that the other side opened. */
  lastTheirId = 0;
  theirs = 0;
  theirsPending = 0;
  oursOpening = 0;
  /** Those whose OPEN has no answer yet, oldest first. */
  readonly #unanswered = new Set<CoreStream>();
  /** Content of streams without an answer to OPEN: sent by us, received from them. */
  earlySentBytes = 0;
  earlyReceivedBytes = 0;

  constructor(dialer: boolean) {
    this.ourParity = dialer ? 1 : 0;
    this.nextOurId = dialer ? 1 : 2;
  }

  isOurs(id: number): boolean {
    return id % 2 === this.ourParity;
  }

  get oldestUnanswered(): CoreStream | undefined {
    for (const stream of this.#unanswered) return stream;
    return undefined;
  }

  get nextOpenDeadline(): number {
    return this.oldestUnanswered?.openDeadline ?? Infinity;
  }

  /** Whether an OPEN for the id was on the wire, though the stream may be gone. */
  wasOpened(id: number): boolean {
    return id <= (this.isOurs(id) ? this.lastSentId : this.lastTheirId);
  }

  get(id: number): CoreStream | undefined {
    const stream = this.streams.get(id);
    return stream?.phase === 'queued' ? undefined : stream;
  }

  add(stream: CoreStream): void {
    this.streams.set(stream.id, stream);
    this.#unanswered.add(stream);
    if (stream.ours) return;
    this.theirs++;
    this.theirsPending++;
    this.lastTheirId = stream.id;
  }

  /** An OPEN was answered (or will never be): its early content counts no more. */
  answered(stream: CoreStream): void {
    this.#unanswered.delete(stream);
    if (stream.phase === 'opening') {
      this.oursOpening--;
      this.earlySentBytes -= stream.sent;
    } else if (stream.phase === 'pending') {
      this.theirsPending--;
      this.earlyReceivedBytes -= stream.window?.received ?? 0;
    }
  }

  remove(stream: CoreStream): void {
    if (!this.streams.delete(stream.id)) return;
    this.answered(stream);
    if (!stream.ours) this.theirs--;
    stream.phase = 'closed';
  }
}
