import type { DoneEvent } from './events.js';

/** What a transfer's lanes carried, by their transports. */
export interface Carried {
  /** Content of each lane, in bytes. */
  readonly lanes: ReadonlyMap<number, number>;
  /** Undefined for a lane whose transport is not known. */
  transportOf(lane: number): string | undefined;
  /** The transport that is told where none carried anything. */
  readonly first: string;
}

/** The transport that carried most, and what each carried. */
export function transportsOf(carried: Carried): Pick<DoneEvent, 'transport' | 'transports'> {
  const bytesBy = new Map<string, number>();
  for (const [lane, bytes] of carried.lanes) {
    const transport = carried.transportOf(lane);
    if (transport !== undefined) bytesBy.set(transport, (bytesBy.get(transport) ?? 0) + bytes);
  }
  const byMost = [...bytesBy].sort(([, a], [, b]) => b - a);
  const rounded = byMost.map(([transport, bytes]) => [transport, Math.round(bytes)] as const);
  return { transport: byMost[0]?.[0] ?? carried.first, transports: Object.fromEntries(rounded) };
}
