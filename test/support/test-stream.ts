import type { Connection, ResetHandler, Stream } from '../../src/transport/contract.js';

const nothing = (): void => undefined;

/** A stream of which the test is the transport, credit and all. */
export class TestStream implements Stream {
  readonly id = 1;
  readonly connection = {} as unknown as Connection;
  readonly opened: Promise<Uint8Array>;
  readonly closed: Promise<void>;
  /** What it was given to send and the test has not taken. */
  readonly sent: { readonly bytes: Buffer; release(): void }[] = [];
  /** What the other side may send in all. */
  limit: number;
  delivered = 0;
  hasEnded = false;
  stoppedWith: number | undefined;
  resetWith: { readonly code: number; readonly detail: Uint8Array | undefined } | undefined;
  answer: (answer: Uint8Array) => void = nothing;
  deny: (error: Error) => void = nothing;
  close: () => void = nothing;
  #isHeld = false;
  #onData: ((bytes: Uint8Array) => void) | undefined;
  #onEnd = nothing;
  #onReset: ResetHandler = nothing;
  #onStop: (code: number) => void = nothing;

  constructor(windowBytes = 256 * 1024) {
    this.limit = windowBytes;
    this.opened = new Promise((resolve, reject) => ([this.answer, this.deny] = [resolve, reject]));
    this.opened.catch(nothing);
    this.closed = new Promise((resolve) => (this.close = resolve));
  }

  accept = nothing;
  refuse = nothing;
  pause = nothing;
  resume = nothing;

  get windowLeft(): number {
    return this.limit - this.delivered;
  }

  /** What was sent since the last call, as it was given; all of it is released. */
  take(): Buffer[] {
    return this.sent.splice(0).map(({ bytes, release }) => {
      release();
      return bytes;
    });
  }

  send(bytes: Uint8Array | readonly Uint8Array[], release: () => void = nothing): boolean {
    if (this.hasEnded) throw new Error('sent behind the end');
    if (this.resetWith) release();
    else this.sent.push({ bytes: Buffer.concat(bytes instanceof Uint8Array ? [bytes] : bytes), release });
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  closeWrite(): void {
    this.hasEnded = true;
  }

  holdCredit(): void {
    this.#isHeld = true;
  }

  credit(bytes: number): void {
    if (!this.#isHeld) throw new Error('credit by hand was not asked for');
    if (bytes < 0) throw new Error('credit is given, not taken');
    this.limit += bytes;
  }

  stopReading(code: number): void {
    this.stoppedWith ??= code;
  }

  reset(code: number, detail?: Uint8Array): void {
    this.resetWith ??= { code, detail };
    for (const { release } of this.sent.splice(0)) release();
    this.close();
  }

  onData(handler: (bytes: Uint8Array) => void): void {
    this.#onData = handler;
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onReset(handler: ResetHandler): void {
    this.#onReset = handler;
  }

  onStop(handler: (code: number) => void): void {
    this.#onStop = handler;
  }

  /** The bytes live until the handler returns, as the contract has it; more than there is credit for is the test's fault. */
  deliver(bytes: Uint8Array): void {
    this.delivered += bytes.length;
    if (this.delivered > this.limit) throw new Error('more was delivered than there is credit for');
    const lent = Buffer.from(bytes);
    this.#onData?.(lent);
    lent.fill(0xee);
  }

  deliverEnd(): void {
    this.#onEnd();
  }

  deliverReset(code: number, detail: Uint8Array = new Uint8Array(), isConnectionOver = false): void {
    this.#onReset(code, detail, isConnectionOver);
    this.close();
  }

  deliverStop(code: number): void {
    this.#onStop(code);
  }
}

/** Lets what is ready go on, so many steps of it. */
export async function settled(steps = 40): Promise<void> {
  for (let step = 0; step < steps; step++) await Promise.resolve();
}
