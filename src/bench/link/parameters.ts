/** What one direction of a link does to IP packets; all sizes are theirs, headers included. */
export interface LinkParameters {
  /** Default: 0, no limit, so nothing waits. */
  readonly rateBitsPerSecond?: number;
  /** Of one way. Default: 0. */
  readonly delayMs?: number;
  /** Chance of each packet to be lost on the wire, after it took its time there. Default: 0. */
  readonly loss?: number;
  /** Losses in a row: chance of a packet to begin one, and how many packets it lasts on average. Default: none. */
  readonly burst?: { readonly startChance: number; readonly meanPackets: number };
  /** What may wait for the wire; the newest is dropped past it. Default: rate × both delays, at least 30 kB. */
  readonly queueBytes?: number;
  /** The delay is up to so much longer. Default: 0. */
  readonly jitterMs?: number;
  /** Jitter may bring packets out of order. Default: false. */
  readonly reordering?: boolean;
  /** Larger packets vanish, as where a path has a smaller MTU and tells nobody. Default: none do. */
  readonly dropAboveBytes?: number;
  /** What is sent vanishes; what is under way arrives. Default: false. */
  readonly down?: boolean;
  /** The time with more than this in the queue is counted. Default: 0. */
  readonly markBytes?: number;
}

/** Of both directions, and what is different in one. */
export interface BothDirections extends LinkParameters {
  readonly toServer?: LinkParameters;
  readonly toClient?: LinkParameters;
}

export interface LinkOptions extends BothDirections {
  /** Of both devices. Default: 1500. */
  readonly mtu?: number;
  /** The same packets of a direction, by their order, are lost with the same seed. Default: 1. */
  readonly seed?: number;
}

/** Where the queue is not given: what is under way in a round trip, and never less than some packets. */
const leastQueueBytes = 30_000;
/** No rate: nothing waits, so this only bounds what a change of the rate may find. */
const unlimitedQueueBytes = 2 ** 20;
/** The largest of IP. */
const anyPacketBytes = 65_535;

/** As the emulator is told them: `rate=… delay=…`. */
export function parameterWords(parameters: LinkParameters, roundTripMs: number): string {
  const { rateBitsPerSecond: rate = 0, delayMs = 0, loss = 0, burst, jitterMs = 0 } = parameters;
  const bandwidthDelay = rate === 0 ? unlimitedQueueBytes : Math.round((rate / 8) * (roundTripMs / 1000));
  const { queueBytes = Math.max(leastQueueBytes, bandwidthDelay) } = parameters;
  const values = {
    ...{ rate, delay: Math.round(delayMs * 1e6), loss, queue: queueBytes },
    ...{ burstStart: burst?.startChance ?? 0, burstLength: burst?.meanPackets ?? 1 },
    ...{ jitter: Math.round(jitterMs * 1e6), reorder: Number(parameters.reordering ?? false) },
    ...{ down: Number(parameters.down ?? false), mtu: parameters.dropAboveBytes ?? anyPacketBytes },
    mark: parameters.markBytes ?? 0,
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
