/** Connections at once, in all and from one source address. */
export class ConnectionLimits {
  readonly #max: number;
  readonly #maxPerAddress: number;
  readonly #byAddress = new Map<string, number>();
  #count = 0;

  constructor(max: number, maxPerAddress: number) {
    this.#max = max;
    this.#maxPerAddress = maxPerAddress;
  }

  enter(address: string): boolean {
    const there = this.#byAddress.get(address) ?? 0;
    if (this.#count >= this.#max || there >= this.#maxPerAddress) return false;
    this.#count++;
    this.#byAddress.set(address, there + 1);
    return true;
  }

  leave(address: string): void {
    const there = this.#byAddress.get(address) ?? 0;
    this.#count--;
    if (there > 1) this.#byAddress.set(address, there - 1);
    else this.#byAddress.delete(address);
  }
}
