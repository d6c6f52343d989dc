import { extensionType, frameHeaderBytes, frameType } from './frame.js';

const known = { ...frameType, ...extensionType };

/** `other` are those that nobody here knows. */
type FrameName = keyof typeof known | 'other';

/** Frames of each type, since the beginning. */
export type FrameTotals = Readonly<Record<FrameName, number>>;

const types: readonly number[] = Object.values(known);
const frameNames = [...Object.keys(known), 'other'] as FrameName[];
/** Type to place in the counts; the last one is for those without a name. */
const places = Uint8Array.from({ length: 256 }, (_, type) => {
  const place = types.indexOf(type);
  return place < 0 ? types.length : place;
});

/** Counts frames by type: an addition each. */
export class FrameCounts {
  /** No Float64Array: of an idle connection its memory outside of V8's heap would be three times as much. */
  readonly #counts: number[] = frameNames.map(() => 0);

  count(type: number): void {
    const place = places[type] ?? types.length;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
  }

  /** One frame as it is encoded, or several in a row. */
  countEncoded(frames: Uint8Array): void {
    for (let at = 0; at + frameHeaderBytes <= frames.length;) {
      this.count(frames[at] ?? 0);
      const view = new DataView(frames.buffer, frames.byteOffset + at, frameHeaderBytes);
      at += frameHeaderBytes + view.getUint32(2);
    }
  }

  get totals(): FrameTotals {
    const entries = frameNames.map((name, place) => [name, this.#counts[place] ?? 0]);
    return Object.fromEntries(entries) as FrameTotals;
  }
}
