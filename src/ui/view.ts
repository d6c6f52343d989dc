import type { XferEvent } from '../app/events.js';

/** Shows what happens. Never throws, and never waits for a reader. */
export interface View {
  onEvent(event: XferEvent): void;
  /** Leaves the terminal to `work`, a prompt for example, and takes it back afterwards. */
  suspended<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Resolves when everything is shown and the terminal is as it was. */
  close(): Promise<void>;
}

/** Where a view writes: whole lines, with their ends. */
export type Write = (text: string) => void;
