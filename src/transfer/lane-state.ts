import type { LaneRate, Sending } from './lane-rate.js';
import type { Piece } from './scheduler-core.js';

/** The least that is sent in one record where a lane is slow. */
const leastRecordBytes = 64 * 1024;
/** First records, while nothing is known of a lane. */
const firstRecordBytes = 256 * 1024;
const firstLimitBytes = 4 * 1024 * 1024;
/** A record takes a lane at most this long. */
const recordTimeMs = 20;
/**
 * Times the least delay: content on a lane waits for lost packets before it, a round trip or two: with two of these a lane
 * that loses one packet in a hundred had half of its path.
 */
const delaysUnderWay = 3;
/** So much is under way at least, whatever the delay: content is also read, sealed, opened and written meanwhile. */
const leastTimeUnderWayMs = 100;
/** Records under way on a lane, whatever its rate: one is read while one is written. */
const leastRecordsUnderWay = 4;

/** A record that was sent and not acknowledged. */
export interface OpenRecord<Source> {
  readonly number: number;
  readonly piece: Piece<Source>;
  bytes: number;
  /** Lanes that carry it now. */
  readonly carriers: Map<number, Sending>;
  sentAt: number;
  /** Sent more than once: nobody knows which of them an acknowledgement is for (Karn's algorithm, RFC 6298 §3). */
  isRepeated: boolean;
}

/** A lane as the scheduler sees it. */
export interface LaneState {
  readonly rate: LaneRate;
  /** The least that its path takes, as its transport finds now; 0 where that is not known. */
  roundTripMs: number;
  /** Numbers of records, in the order in which it got them. */
  readonly underWay: Set<number>;
  /** Of what is under way. */
  bytes: number;
  /** Content of it that the receiver has. */
  receivedBytes: number;
  /** When something came that it alone carried, or it was given something while it had nothing. */
  progressAt: number;
  isSuspect: boolean;
  isResting: boolean;
}

/**
 * The time until something sent now is acknowledged, at best: undefined until there was an acknowledgement. The shortest of
 * late would do, were there no paths that become longer.
 */
export function delayOf({ rate, roundTripMs }: LaneState): number | undefined {
  return rate.delayMs === undefined ? undefined : Math.max(rate.delayMs, roundTripMs);
}

/** What a lane may have under way, in bytes: three times its bandwidth × delay. */
export function limitOf(lane: LaneState): number {
  const { bytesPerMs } = lane.rate;
  const delayMs = delayOf(lane);
  if (bytesPerMs === undefined || delayMs === undefined) return firstLimitBytes;
  const least = leastRecordsUnderWay * leastRecordBytes;
  return Math.max(bytesPerMs * Math.max(delaysUnderWay * delayMs, leastTimeUnderWayMs), least);
}

/** What a record on it should have, `mostBytes` at most: a power of two, so that records begin where pages of the file do. */
export function recordBytesOf({ rate }: LaneState, mostBytes: number): number {
  const { bytesPerMs } = rate;
  if (bytesPerMs === undefined) return Math.min(firstRecordBytes, mostBytes);
  const wanted = bytesPerMs * recordTimeMs;
  let bytes = Math.min(leastRecordBytes, mostBytes);
  while (bytes * 2 <= wanted && bytes * 2 <= mostBytes) bytes *= 2;
  return bytes;
}
