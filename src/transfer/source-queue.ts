import { asXferError, type XferError } from '../errors/index.js';
import { openSource, type OpenSource } from './open-source.js';
import type { SourceEntry } from './source-entry.js';

/** Files opened ahead of the one that is read: hides the time that opening takes. */
const mostOpen = 16;

export interface SourceQueueHandlers {
  onReady(): void;
  onFailed(entry: SourceEntry, error: XferError): void;
}

/** Opens files ahead of their reading. What was pushed comes out of `shift`, or goes to `onFailed`, each once. */
export class SourceQueue {
  readonly #handlers: SourceQueueHandlers;
  readonly #ready: OpenSource[] = [];
  #open = 0;
  #closed = false;

  constructor(handlers: SourceQueueHandlers) {
    this.#handlers = handlers;
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
    openSource(entry).then(
      (source) => {
        if (this.#closed) return void source.handle.close();
        this.#ready.push(source);
        this.#handlers.onReady();
      },
      (error: unknown) => {
        this.#open--;
        if (!this.#closed) this.#handlers.onFailed(entry, asXferError(error));
      },
    );
  }

  /** The next file to read, if one is open. Call `release` when it has been closed. */
  shift(): OpenSource | undefined {
    return this.#ready.shift();
  }

  release(): void {
    this.#open--;
  }

  close(): void {
    this.#closed = true;
    for (const source of this.#ready.splice(0)) void source.handle.close();
  }
}
