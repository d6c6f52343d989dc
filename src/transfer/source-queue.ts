import { asXferError, type XferError } from '../errors/index.js';
import type { DirectFiles } from './direct-files.js';
import { closeSource, openSource, type OpenSource } from './open-source.js';
import type { SourceEntry } from './source-entry.js';

/** Files opened ahead of the one that is read: hides the time that opening takes. */
const mostOpen = 16;

export interface SourceQueueHandlers {
  onReady(): void;
  onFailed(entry: SourceEntry, error: XferError): void;
}

interface Waiting {
  /** undefined while it is being opened. */
  source: OpenSource | undefined;
}

/**
 * Opens files ahead of their reading. What was pushed comes out of `shift` in its order, or goes to `onFailed`, each once:
 * several transfers of the same files read them alike, however long opening takes.
 */
export class SourceQueue {
  readonly #handlers: SourceQueueHandlers;
  readonly #direct: DirectFiles | undefined;
  readonly #waiting: Waiting[] = [];
  #open = 0;
  #closed = false;

  constructor(handlers: SourceQueueHandlers, direct?: DirectFiles) {
    this.#handlers = handlers;
    this.#direct = direct;
  }

  get hasRoom(): boolean {
    return this.#open < mostOpen;
  }

  /** Nothing is open, opening or waiting to be read. */
  get isEmpty(): boolean {
    return this.#open === 0;
  }

  push(entry: SourceEntry): void {
    this.#open++;
    const waiting: Waiting = { source: undefined };
    this.#waiting.push(waiting);
    openSource(entry, this.#direct).then(
      (source) => {
        if (this.#closed) return void closeSource(source);
        waiting.source = source;
        this.#handlers.onReady();
      },
      (error: unknown) => this.#handleFailed(waiting, entry, asXferError(error)),
    );
  }

  /** The next file to read, if it is open. Call `release` when it has been closed. */
  shift(): OpenSource | undefined {
    return this.#waiting[0]?.source && this.#waiting.shift()?.source;
  }

  release(): void {
    this.#open--;
  }

  close(): void {
    this.#closed = true;
    for (const { source } of this.#waiting.splice(0)) if (source) void closeSource(source);
  }

  #handleFailed(waiting: Waiting, entry: SourceEntry, error: XferError): void {
    this.#open--;
    if (this.#closed) return;
    const at = this.#waiting.indexOf(waiting);
    this.#waiting.splice(at, 1);
    this.#handlers.onFailed(entry, error);
    // Those behind it have waited for it.
    if (at === 0 && this.#waiting[0]?.source) this.#handlers.onReady();
  }
}
