import type { ErrorEvent } from '../app/events.js';
import { objectOfLine } from './json-line.js';
import { XferChild, type XferChildOptions } from './xfer-child.js';

/** In place of what a process said of a failure here: it may name paths. */
export const untold = {
  message: 'the other end failed',
  remedy: 'look at what it says there',
};

export interface ServedChildWatch {
  /** It said anything at all. */
  onLine(): void;
  /** What the one who dials it has to know. */
  onEvent(event: object): void;
  /** As it said it, for this machine alone. */
  onError(error: ErrorEvent): void;
}

/** One whose events are of interest elsewhere. */
export class ServedChild extends XferChild {
  readonly #watch: ServedChildWatch;

  constructor(options: XferChildOptions, watch: ServedChildWatch) {
    super(options);
    this.#watch = watch;
  }

  protected override handleLine(line: string): void {
    super.handleLine(line);
    this.#watch.onLine();
    const event: { readonly event?: string } = objectOfLine(line) ?? {};
    if (event.event !== undefined && toldEvents.has(event.event)) this.#watch.onEvent(event);
    if (event.event !== 'error') return;
    this.#watch.onError(event as ErrorEvent);
    this.#watch.onEvent({ ...event, ...untold });
  }
}

const toldEvents: ReadonlySet<string> = new Set(['listening', 'connected', 'done']);
