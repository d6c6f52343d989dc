import type { SentRun } from './sent-run.js';

/** Sent runs in the order of their numbers, doubly linked: one goes out or is split wherever it stands at no cost. */
export class SentList {
  #first: SentRun | undefined;
  #last: SentRun | undefined;
  #count = 0;

  get first(): SentRun | undefined {
    return this.#first;
  }

  get last(): SentRun | undefined {
    return this.#last;
  }

  get count(): number {
    return this.#count;
  }

  /** Nearly always at the end. */
  insert(run: SentRun): void {
    let after = this.#last;
    while (after !== undefined && after.number > run.number) after = after.previous;
    this.#link(after, run);
  }

  remove(run: SentRun): void {
    if (run.previous === undefined) this.#first = run.next;
    else run.previous.next = run.next;
    if (run.next === undefined) this.#last = run.previous;
    else run.next.previous = run.previous;
    run.previous = undefined;
    run.next = undefined;
    this.#count -= 1;
  }

  /** The part of `run` that is in `[from, to]`, split off from what is not. It overlaps them, and is in the list. */
  isolate(run: SentRun, from: number, to: number): SentRun {
    let part = run;
    if (part.number < from) {
      part = run.split(from);
      this.#link(run, part);
    }
    if (part.last > to) this.#link(part, part.split(to + 1));
    return part;
  }

  #link(after: SentRun | undefined, run: SentRun): void {
    const before = after === undefined ? this.#first : after.next;
    run.previous = after;
    run.next = before;
    if (after === undefined) this.#first = run;
    else after.next = run;
    if (before === undefined) this.#last = run;
    else before.previous = run;
    this.#count += 1;
  }
}
