import { delayOf, type LaneState, type OpenRecord } from './lane-state.js';

/** A copy is worth its bytes where the record would take this many times as long without it. */
const leastTimes = 2;
/** And where it saves at least so much. */
const leastSavedMs = 20;
/** What a lane that was not measured is taken to need. */
const unknownDelayMs = 200;

/** A record to copy, and the time from which that is worth it. */
export interface TailCopy<Source> {
  readonly record: OpenRecord<Source>;
  readonly at: number;
}

interface Tail<Source> {
  readonly lanes: ReadonlyMap<number, LaneState>;
  readonly open: ReadonlyMap<number, OpenRecord<Source>>;
  readonly now: number;
}

/**
 * What `lane` should send once more, when nothing is left that was never sent: of what one other lane carries the record
 * that comes last, unless this one would not bring it much sooner. So two lanes meet in the middle of what the slower one
 * holds. A lane brings what it has at its rate, and one that has been silent for a while is silent for as long again. Pure.
 */
export function tailCopy<Source>(
  lane: number,
  { lanes, open, now }: Tail<Source>,
): TailCopy<Source> | undefined {
  const own = lanes.get(lane);
  if (!own) return undefined;
  let first: TailCopy<Source> | undefined;
  for (const [other, state] of lanes) {
    const last = other === lane ? undefined : lastOf(state, open);
    if (!last) continue;
    const ownMs = timeFor(own, own.bytes + last.record.bytes) + (delayOf(own) ?? unknownDelayMs);
    const neededMs = Math.max(leastTimes * ownMs, ownMs + leastSavedMs);
    const at = timeFor(state, last.bytes) >= neededMs ? now : state.progressAt + neededMs;
    if (!first || at < first.at) first = { record: last.record, at };
  }
  return first;
}

/** The last record that this lane alone carries, with the bytes that it has until then. */
function lastOf<Source>({ underWay }: LaneState, open: ReadonlyMap<number, OpenRecord<Source>>) {
  let last: { readonly record: OpenRecord<Source>; readonly bytes: number } | undefined;
  let bytes = 0;
  for (const number of underWay) {
    const record = open.get(number);
    if (!record) continue;
    bytes += record.bytes;
    if (record.carriers.size === 1) last = { record, bytes };
  }
  return last;
}

/** Milliseconds for so many bytes at the lane's rate; 0 while it has none. */
const timeFor = ({ rate }: LaneState, bytes: number): number => bytes / (rate.bytesPerMs ?? Infinity);
