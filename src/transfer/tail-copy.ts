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

interface Wait<Source> extends TailCopy<Source> {
  /** How long the record is still expected to take. */
  readonly ms: number;
}

/**
 * What `lane` should send once more, when nothing is left that was never sent: of what others carry the record that comes
 * last, unless this one would not bring it much sooner than any of them. So two lanes meet in the middle of what the slower
 * one holds. A lane brings what it has at its rate, and one that has been silent for a while is silent for as long again. Pure.
 */
export function tailCopy<Source>(
  lane: number,
  { lanes, open, now }: Tail<Source>,
): TailCopy<Source> | undefined {
  const own = lanes.get(lane);
  if (!own) return undefined;
  const waits = new Map<number, Wait<Source>>();
  for (const [other, state] of lanes) {
    let bytes = 0;
    for (const number of other === lane ? [] : state.underWay) {
      const record = open.get(number);
      if (!record) continue;
      bytes += record.bytes;
      if (record.carriers.has(lane)) continue;
      const wait = waitFor(record, { carrier: state, bytes, neededMs: neededMs(own, record), now });
      waits.set(number, sooner(wait, waits.get(number)));
    }
  }
  let first: Wait<Source> | undefined;
  for (const wait of waits.values())
    if (!first || wait.at < first.at || (wait.at === first.at && wait.ms >= first.ms)) first = wait;
  return first;
}

/** So long a record must take without a copy on this lane for one to be worth it. */
function neededMs(own: LaneState, { bytes }: OpenRecord<unknown>): number {
  const ownMs = timeFor(own, own.bytes + bytes) + (delayOf(own) ?? unknownDelayMs);
  return Math.max(leastTimes * ownMs, ownMs + leastSavedMs);
}

interface Carried {
  readonly carrier: LaneState;
  /** What the carrier has to bring until the record is there. */
  readonly bytes: number;
  readonly neededMs: number;
  readonly now: number;
}

function waitFor<Source>(
  record: OpenRecord<Source>,
  { carrier, bytes, neededMs, now }: Carried,
): Wait<Source> {
  const modelMs = timeFor(carrier, bytes);
  const at = modelMs >= neededMs ? now : Math.max(now, carrier.progressAt + neededMs);
  return { record, at, ms: modelMs + now - carrier.progressAt };
}

/** Of a record that two carry. */
const sooner = <Source>(one: Wait<Source>, other: Wait<Source> | undefined): Wait<Source> =>
  other ? { record: one.record, at: Math.max(one.at, other.at), ms: Math.min(one.ms, other.ms) } : one;

/** Milliseconds for so many bytes at the lane's rate; 0 while it has none. */
const timeFor = ({ rate }: LaneState, bytes: number): number => bytes / (rate.bytesPerMs ?? Infinity);
