/** Frames that wait for the link, in order. */
export class ControlQueue {
  bytes = 0;
  #frames: Uint8Array[] = [];
  #head = 0;

  push(frames: Uint8Array): void {
    this.#frames.push(frames);
    this.bytes += frames.length;
  }

  shift(): Uint8Array | undefined {
    const frames = this.#frames[this.#head];
    if (!frames) return undefined;
    this.bytes -= frames.length;
    this.#head++;
    // What was taken goes when nothing is left, or with half of the rest: an amortised step each.
    if (this.#head * 2 >= this.#frames.length) {
      this.#frames = this.#frames.slice(this.#head);
      this.#head = 0;
    }
    return frames;
  }
}
