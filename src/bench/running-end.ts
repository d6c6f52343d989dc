import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { ChildEvents } from './child-events.js';

/** One end of a transfer that runs as a process of its own, and what that tells of itself. */
export abstract class RunningEnd {
  readonly name: string;
  readonly events = new ChildEvents();
  /** What the consumer of a pipeline said. */
  output = '';
  /** By performance.now(), once all of it has ended. */
  endedAt: number | undefined;
  /** Of its last event. */
  heardAt = performance.now();
  readonly #heard = new Set<() => void>();
  #failure: XferError | undefined;
  #isClosed = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Of a process of this machine that runs. */
  abstract readonly pid: number | undefined;
  /** Processor time so far; when it has ended all of it. */
  abstract readonly cpuSeconds: number;
  /** What it uses from now on is counted. */
  abstract countFromHere(): void;
  /** Ends what goes into its pipe; what that has written already arrives. */
  abstract endProducer(): void;
  /** Ends it, if need be without asking. Does not reject. */
  abstract stop(): Promise<void>;
  /** Why it has ended, where it told nothing of that. */
  protected abstract whyEnded(): XferError;

  /** Where it listens. Rejects with the reason why it does not. */
  async listening(): Promise<string> {
    const timer = setTimeout(() => {
      this.handleFailure(new XferError('ERR_XFER_TIMEOUT', `xfer ${this.name} did not listen in time`));
    }, benchDefaults.startMs);
    try {
      await this.#until(() => this.events.address !== undefined);
    } finally {
      clearTimeout(timer);
    }
    return this.events.address ?? '';
  }

  /** Until it is joined with the other end, or has ended. */
  async connected(): Promise<void> {
    await this.#until(() => this.events.isConnected || this.events.done !== undefined);
  }

  /** Until all of it has ended well. Rejects with what it told, or with what else is known of why not. */
  async done(): Promise<void> {
    while (!this.#isClosed) await this.#told();
    if (this.events.done && !this.events.error) return;
    throw this.#why();
  }

  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  protected handleLine(line: string): void {
    this.heardAt = performance.now();
    this.events.handleLine(line);
    this.#tell();
  }

  /** The first is the one that counts. */
  protected handleFailure(error: XferError): void {
    this.#failure ??= error;
    this.#tell();
  }

  /** All of it has ended, and all that it told is known. */
  protected handleClosed(): void {
    this.#isClosed = true;
    this.#tell();
  }

  async #until(isSo: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure ?? this.events.error) throw this.#why();
      if (isSo()) return;
      if (this.#isClosed) throw this.#why();
      await this.#told();
    }
  }

  #told(): Promise<void> {
    return new Promise((resolve) => this.#heard.add(resolve));
  }

  #tell(): void {
    for (const resolve of this.#heard) resolve();
    this.#heard.clear();
  }

  #why(): XferError {
    return this.#failure ?? this.events.error ?? this.whyEnded();
  }
}
