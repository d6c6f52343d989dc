/** Lets one waiter go on when a condition holds. `check` is called whenever the condition may have changed. */
export class Gate {
  #condition: () => boolean = () => true;
  #open: (() => void) | undefined;

  /** Resolves when `condition` holds; one waiter at a time. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    this.#condition = condition;
    await new Promise<void>((resolve) => (this.#open = resolve));
  }

  check(): void {
    if (!this.#open || !this.#condition()) return;
    const open = this.#open;
    this.#open = undefined;
    open();
  }
}
