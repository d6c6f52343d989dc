/**
 * What comes back along a path with an OPEN_ACK, OPEN_ERR or RESET, grown by each relay that passes it on. On the wire:
 * 01 · flags u8 · wire code u16 · branch u8 · alternatives u8 and one u8 each. There is no text in it.
 */
export interface HopDetail {
  /** Of an OPEN_ACK: a relay on the way does not pipe, but stores records and forwards them whole; with `isOwn`, the nearest one. */
  readonly isStored: boolean;
  /** The error's number (`errorTable`), 0 for none. */
  readonly wire: number;
  /** Which branch of a path that forks it is about. */
  readonly branch: number;
  /** It is about the relay behind the last of `taken` itself; else the last relay could not reach, or has lost, what it took. */
  readonly isOwn: boolean;
  /** With `isOwn`: it is about who dialled that relay, not about where he wants to go. Default: false. */
  readonly isEntry?: boolean;
  /** Which alternative each relay took for the hop behind it, nearest first. */
  readonly taken: readonly number[];
}

const version = 1;
const fixedBytes = 6;
const storedFlag = 1;
const ownFlag = 2;
const entryFlag = 4;

export function encodeHopDetail({ isStored, isOwn, isEntry, wire, branch, taken }: HopDetail): Uint8Array {
  const flags = (isStored ? storedFlag : 0) | (isOwn ? ownFlag : 0) | (isEntry ? entryFlag : 0);
  return Uint8Array.of(version, flags, wire >> 8, wire & 0xff, branch, taken.length, ...taken);
}

/** undefined where there is none, or of a kind that is not known. */
export function decodeHopDetail(detail: Uint8Array): HopDetail | undefined {
  const [kind, flags = 0, high = 0, low = 0, branch = 0, count = 0] = detail;
  if (kind !== version || detail.length !== fixedBytes + count) return undefined;
  const taken = [...detail.subarray(fixedBytes)];
  const isStored = (flags & storedFlag) !== 0;
  return {
    isStored,
    isOwn: (flags & ownFlag) !== 0,
    isEntry: (flags & entryFlag) !== 0,
    wire: high * 256 + low,
    branch,
    taken,
  };
}

/** The detail as a relay passes it on, which took `alternative` for the hop that it came from. */
export function behindHop(detail: HopDetail, alternative: number): HopDetail {
  return { ...detail, taken: [alternative, ...detail.taken] };
}
