import { objectOfLine } from './json-line.js';
import { XferChild, type XferChildOptions } from './xfer-child.js';

/** One whose events are of interest elsewhere. */
export class ServedChild extends XferChild {
  readonly #onEvent: (event: object) => void;

  /** `onEvent`: of those that say how far it is there is no need there. */
  constructor(options: XferChildOptions, onEvent: (event: object) => void) {
    super(options);
    this.#onEvent = onEvent;
  }

  protected override handleLine(line: string): void {
    super.handleLine(line);
    const event: { readonly event?: string } = objectOfLine(line) ?? {};
    if (event.event !== undefined && event.event !== 'progress') this.#onEvent(event);
  }
}
