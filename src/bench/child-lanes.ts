import type { LaneProgress } from '../app/events.js';
import type { ChildEvents } from './child-events.js';
import type { RunProgress } from './contract.js';

/** What senders have told of their lanes, one behind the other: what each has carried, the shortest way, and what was lost. */
export function lanesOf(
  senders: readonly Pick<ChildEvents, 'lanes' | 'rttMs'>[],
): Pick<RunProgress, 'lanes' | 'rttMs' | 'lossShare'> {
  const lanes = senders.flatMap((sender) =>
    [...sender.lanes.values()].sort((one, other) => one.lane - other.lane),
  );
  const told = lanes.flatMap(({ rttMs }) => rttMs ?? []);
  const rtts = told.length > 0 ? told : senders.flatMap(({ rttMs }) => rttMs ?? []);
  const sum = (of: (lane: LaneProgress) => number | undefined): number =>
    lanes.reduce((all, lane) => all + (of(lane) ?? 0), 0);
  const datagrams = sum((lane) => lane.datagrams);
  return {
    ...(lanes.length > 0 ? { lanes: lanes.map(({ bytes }) => bytes) } : {}),
    ...(rtts.length > 0 ? { rttMs: Math.min(...rtts) } : {}),
    ...(datagrams > 0 ? { lossShare: Math.min(1, sum((lane) => lane.lost) / datagrams) } : {}),
  };
}
