import type { Connection, ResetHandler, Stream } from '../../../src/transport/contract.js';

/** Changes what goes over a wire, or drops it with undefined. */
export type Tap = (bytes: Uint8Array) => Uint8Array | undefined;

/** One end of a pipe in memory: what is sent arrives in a later turn, in order; data waits while there is no handler. */
export class FakeStream implements Stream {
  readonly id = 1;
  readonly opened = Promise.resolve(new Uint8Array());
  readonly connection = {} as unknown as Connection;
  readonly closed = Promise.resolve();
  /** Everything that this end sent, before the tap. */
  readonly sent: Uint8Array[] = [];
  other!: FakeStream;
  tap: Tap = (bytes) => bytes;
  wasReset = false;
  hasEnded = false;
  hasStopped = false;
  #queue: (Uint8Array | 'end')[] = [];
  #paused = false;
  #data: ((bytes: Uint8Array) => void) | undefined;
  #end: () => void = () => undefined;
  #reset: ResetHandler = () => undefined;

  accept(): void {}
  refuse(): void {}
  holdCredit(): void {}
  credit(): void {}

  send(bytes: Uint8Array | readonly Uint8Array[], release?: () => void): boolean {
    for (const part of bytes instanceof Uint8Array ? [bytes] : bytes) {
      this.sent.push(part.slice());
      const tapped = this.tap(part.slice());
      if (tapped && !this.wasReset) this.other.#push(tapped);
    }
    release?.();
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  closeWrite(): void {
    this.hasEnded = true;
    this.other.#push('end');
  }

  onData(handler: (bytes: Uint8Array) => void): void {
    this.#data = handler;
    this.#flush();
  }

  onEnd(handler: () => void): void {
    this.#end = handler;
  }

  onReset(handler: ResetHandler): void {
    this.#reset = handler;
  }

  onStop(): void {}

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#flush();
  }

  stopReading(): void {
    this.hasStopped = true;
    this.#queue = [];
  }

  reset(code: number): void {
    if (this.wasReset) return;
    this.wasReset = true;
    queueMicrotask(() => this.other.#reset(code, new Uint8Array(), false));
  }

  #push(item: Uint8Array | 'end'): void {
    if (this.hasStopped) return;
    this.#queue.push(item);
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    while (this.#queue.length > 0 && this.#data && !this.#paused) {
      const item = this.#queue.shift();
      if (item === 'end') this.#end();
      else if (item) this.#data(item);
    }
  }
}

export function streamPair(): readonly [dialer: FakeStream, listener: FakeStream] {
  const [a, b] = [new FakeStream(), new FakeStream()];
  a.other = b;
  b.other = a;
  return [a, b];
}
