import type { BatchCounters } from './udp-api.js';

/** In the order of native/udp-counters.h. */
export const counterNames = [
  'packetsSent',
  'bytesSent',
  'batchesSent',
  'packetsReceived',
  'bytesReceived',
  'batchesReceived',
  'fullBatches',
  'packetsDropped',
  'packetsFailed',
  'packetsUnknown',
  'packetsForged',
] as const satisfies readonly (keyof BatchCounters)[];

export type MutableCounters = { -readonly [Name in keyof BatchCounters]: number };

/** All 0, or as they stand in `values`. */
export function countersOf(values?: Float64Array): MutableCounters {
  return Object.fromEntries(
    counterNames.map((name, index) => [name, values?.[index] ?? 0]),
  ) as MutableCounters;
}
