/**
 * Which file of several names was met first, and under which id. Bounded: past `most` files no more are remembered,
 * and the later names of those count as files of their own.
 *
 * Open addressing with linear probing, at most half full: 16 bytes a slot, so that a million files take 32 MiB.
 */
export class HardLinks {
  readonly #most: number;
  readonly #devices = new Map<number, number>();
  #inoHigh = new Uint32Array(firstSlots);
  #inoLow = new Uint32Array(firstSlots);
  #device = new Uint32Array(firstSlots);
  /** The id and 1; 0 is a free slot. */
  #id = new Uint32Array(firstSlots);
  #size = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The id under which the file was met before; else it is remembered under `id`. Ids are below 2^32 − 1. */
  firstOf(dev: number, inoHigh: number, inoLow: number, id: number): number | undefined {
    const device = this.#deviceOf(dev);
    if (device === undefined) return undefined;
    const slot = this.#slotOf(device, inoHigh, inoLow);
    const known = this.#id[slot] ?? 0;
    if (known !== 0) return known - 1;
    if (this.#size >= this.#most) return undefined;
    this.#put(slot, { device, inoHigh, inoLow, id: id + 1 });
    if (++this.#size * 2 > this.#id.length) this.#grow();
    return undefined;
  }

  /** Small numbers instead of the system's: a transfer meets few devices. */
  #deviceOf(dev: number): number | undefined {
    const known = this.#devices.get(dev);
    if (known !== undefined) return known;
    if (this.#devices.size >= mostDevices) return undefined;
    this.#devices.set(dev, this.#devices.size);
    return this.#devices.size - 1;
  }

  /** Where the file stands, or the free slot where it belongs. */
  #slotOf(device: number, inoHigh: number, inoLow: number): number {
    const mask = this.#id.length - 1;
    let slot = hash(device, inoHigh, inoLow) & mask;
    while (
      this.#id[slot] !== 0 &&
      !(this.#inoLow[slot] === inoLow && this.#inoHigh[slot] === inoHigh && this.#device[slot] === device)
    )
      slot = (slot + 1) & mask;
    return slot;
  }

  #put(slot: number, file: { device: number; inoHigh: number; inoLow: number; id: number }): void {
    this.#device[slot] = file.device;
    this.#inoHigh[slot] = file.inoHigh;
    this.#inoLow[slot] = file.inoLow;
    this.#id[slot] = file.id;
  }

  #grow(): void {
    const [devices, highs, lows, ids] = [this.#device, this.#inoHigh, this.#inoLow, this.#id];
    const slots = ids.length * 2;
    this.#device = new Uint32Array(slots);
    this.#inoHigh = new Uint32Array(slots);
    this.#inoLow = new Uint32Array(slots);
    this.#id = new Uint32Array(slots);
    for (const [slot, id] of ids.entries()) {
      if (id === 0) continue;
      const [device = 0, inoHigh = 0, inoLow = 0] = [devices[slot], highs[slot], lows[slot]];
      this.#put(this.#slotOf(device, inoHigh, inoLow), { device, inoHigh, inoLow, id });
    }
  }
}

const firstSlots = 64;
const mostDevices = 4096;

/** Spreads inodes, which come in runs; the constants are those of MurmurHash3's 32-bit mix. */
function hash(device: number, inoHigh: number, inoLow: number): number {
  let mixed = inoLow ^ Math.imul(inoHigh, 0x9e3779b1) ^ Math.imul(device, 0x27d4eb2f);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
